# Doorkeeper on Rails and PostgreSQL, filled with what a client would hold (printed as JSON), then served by Puma.
# ruby server.rb DATABASE_URL PORT COUNT
database, port, count = ARGV[0], ARGV[1].to_i, ARGV[2].to_i
ENV["DATABASE_URL"] = database
ENV["RAILS_ENV"] = "production"

require "digest"
require "json"
require "rails"
require "active_record/railtie"
require "action_controller/railtie"
require "action_view/railtie"
require "doorkeeper"
require "rack/handler/puma"

REDIRECT_URI = "https://client.example/callback".freeze
CHALLENGE = Base64.urlsafe_encode64(Digest::SHA256.digest("v" * 64), padding: false)

class Site < Rails::Application
  config.root = __dir__
  config.load_defaults 6.1
  config.eager_load = true
  config.cache_classes = true
  config.secret_key_base = SecureRandom.hex(64)
  config.consider_all_requests_local = false
  config.logger = Logger.new(nil)
  config.log_level = :fatal
  config.paths["app/views"] << File.join(__dir__, "views")
end

class User < ActiveRecord::Base; end

# With its defaults, and tokens and secrets kept as digests, as ours are.
Doorkeeper.configure do
  orm :active_record
  grant_flows %w[authorization_code client_credentials]
  default_scopes :profile
  optional_scopes :"stats:read"
  use_refresh_token
  hash_token_secrets
  hash_application_secrets
  resource_owner_authenticator { User.find_by(id: session[:user_id]) || head(:forbidden) }
end

class SessionsController < ActionController::Base
  def show
    session[:user_id] = params[:id].to_i
    head :ok
  end
end

class ApiController < ActionController::API
  before_action -> { doorkeeper_authorize! :profile }

  def show
    render json: { username: User.find(doorkeeper_token.resource_owner_id).name }
  end
end

Site.initialize!
Site.routes.draw do
  use_doorkeeper scope: "oauth"
  get "/api" => "api#show"
  get "/session/:id" => "sessions#show"
end
Site.reload_routes! if Site.routes.routes.empty?

ActiveRecord::Schema.verbose = false
ActiveRecord::Schema.define do
  create_table(:users) { |t| t.string :name, null: false }
  create_table :oauth_applications do |t|
    t.string :name, null: false
    t.string :uid, null: false, index: { unique: true }
    t.string :secret, null: false
    t.text :redirect_uri
    t.string :scopes, null: false, default: ""
    t.boolean :confidential, null: false, default: true
    t.timestamps null: false
  end
  create_table :oauth_access_grants do |t|
    t.references :resource_owner, null: false
    t.references :application, null: false, foreign_key: { to_table: :oauth_applications }
    t.string :token, null: false, index: { unique: true }
    t.integer :expires_in, null: false
    t.text :redirect_uri, null: false
    t.datetime :created_at, null: false
    t.datetime :revoked_at
    t.string :scopes, null: false, default: ""
    t.string :code_challenge
    t.string :code_challenge_method
  end
  create_table :oauth_access_tokens do |t|
    t.references :resource_owner
    t.references :application, null: false, foreign_key: { to_table: :oauth_applications }
    t.string :token, null: false, index: { unique: true }
    t.string :refresh_token, index: { unique: true }
    t.integer :expires_in
    t.datetime :revoked_at
    t.datetime :created_at, null: false
    t.string :scopes
    t.string :previous_refresh_token, null: false, default: ""
  end
end

def app(name, redirect_uri: REDIRECT_URI, **more)
  made = Doorkeeper::Application.create!(name: name, redirect_uri: redirect_uri, **more)
  [made, [made.uid, made.plaintext_secret]]
end

def code(app, user)
  Doorkeeper::AccessGrant.create!(
    application: app, resource_owner_id: user.id, scopes: "profile", expires_in: 3600, redirect_uri: REDIRECT_URI,
    code_challenge: CHALLENGE, code_challenge_method: "S256"
  ).plaintext_token
end

def token(app, user)
  Doorkeeper::AccessToken.create!(
    application: app, resource_owner_id: user.id, scopes: "profile", expires_in: 3600, use_refresh_token: true
  )
end

user, remembered = User.create!(name: "alice"), User.create!(name: "bob")
web, of_web = app("web", scopes: "profile")
open, of_public = app("public", scopes: "profile", confidential: false)
_, of_machine = app("machine", scopes: "stats:read")
token(web, remembered)
held = {
  web: of_web, machine: of_machine, public: of_public.first(1),
  codes: Array.new(count) { code(web, user) }, "public codes": Array.new(count) { code(open, user) },
  refresh: Array.new(count) { token(web, user).plaintext_refresh_token },
  "public refresh": Array.new(count) { token(open, user).plaintext_refresh_token },
  access: Array.new(count) { token(web, user).plaintext_token },
  sessions: Array.new([count, 3000].min) { User.create!(name: "new").id }, remembered: remembered.id
}
puts JSON.generate(held)
$stdout.flush
Rack::Handler::Puma.run(Site, Host: "127.0.0.1", Port: port, Threads: "1:1", Silent: true)
