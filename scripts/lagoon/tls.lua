-- SPDX-License-Identifier: MIT
--
-- What scripts say about TLS, checked, and made into what net hands to the core. Loaded when it is
-- asked for.
local core = require "lagoon.core"
local settle = require("lagoon.waited").settle
local fs = require "lagoon.fs"

local raise, RAISE = core.raise, core.RAISE

---@class lagoon.TlsOptions
---@field ca string?  whose certificates the other side may have; if absent, a client trusts whom
---the system trusts, and a server asks for none
---@field cert string?  one's own, and those between it and a root; a server has one
---@field key string?  its private key; if absent it stands in cert, too
---@field server_name string?  whose certificate a client expects, if not that of the address
---@field alpn string[]?  protocols, best first
---@field verify boolean?  false: a client takes whoever answers
---@field min_version ("1.2"|"1.3")?  "1.2" if absent

-- Those of both, and of one side.
local TYPES = {
    ca = "string", cert = "string", key = "string", alpn = "table", min_version = "string",
}
local CLIENT = { server_name = "string", verify = "boolean" }

local function misuse(message, ...)
    raise(RAISE, message:format(...))
end

local function check(opts, own)
    for name, value in pairs(opts) do
        local expected = TYPES[name] or own[name]
        if type(value) ~= expected then
            misuse("bad option '%s' of tls (%s)", tostring(name),
                expected and expected .. " expected" or "there is none of that name")
        end
    end
    if opts.min_version and opts.min_version ~= "1.2" and opts.min_version ~= "1.3" then
        misuse("bad option 'min_version' of tls ('1.2' or '1.3' expected)")
    end
    if opts.key and not opts.cert then
        misuse("bad option 'key' of tls (there is no cert for it)")
    end
end

local function joined(alpn)
    for _, name in ipairs(alpn) do
        if type(name) ~= "string" or not name:find("^[^,%z]+$") or #name > 255 then
            misuse("bad option 'alpn' of tls (names of protocols expected)")
        end
    end
    if #alpn == 0 then
        misuse("bad option 'alpn' of tls (names of protocols expected)")
    end
    return table.concat(alpn, ",")
end

-- Three texts in PEM; or nil, a message and a code.
local function load_texts(opts)
    local texts = {}
    for _, name in ipairs { "ca", "cert", "key" } do
        local given = opts[name]
        if given and not given:find("-----BEGIN", 1, true) then
            local text, err, code = fs.read(given)
            if not text then
                return nil, name .. ": " .. err, code
            end
            given = text
        end
        texts[name] = given
    end
    return texts
end

local function make(is_server, opts)
    local alpn = opts.alpn and joined(opts.alpn)
    local texts, err, code = load_texts(opts)
    if not texts then
        return nil, err, code
    end
    return settle(core.tls_new(is_server, texts.ca, texts.cert, texts.key, alpn,
        opts.min_version == "1.3", opts.verify == false))
end

local tls = {}

---A client's part of a connection, and whom it expects; checks what it is given.
---@async
---@param opts true|lagoon.TlsOptions
---@param host string?  of the address
---@return userdata? config
---@return string? err_or_name  or who is expected
---@return string? code
function tls.client(opts, host)
    if opts == true then
        opts = {}
    elseif type(opts) ~= "table" then
        misuse("bad option 'tls' (a table or true expected)")
    end
    check(opts, CLIENT)
    local name = opts.server_name or host
    if not name and opts.verify ~= false then
        misuse("bad option 'tls' (there is no server_name to verify)")
    end
    local config, err, code = make(false, opts)
    if not config then
        return nil, err, code
    end
    return config, name
end

---A server's part of connections.
---@async
---@param opts lagoon.TlsOptions
---@return userdata? config
---@return string? err
---@return string? code
function tls.server(opts)
    if type(opts) ~= "table" then
        misuse("bad option 'tls' (a table expected)")
    end
    check(opts, {})
    if not opts.cert then
        misuse("bad option 'tls' (a server needs cert)")
    end
    return make(true, opts)
end

---The host of an address, as a certificate has it; nil for a path.
---@param network string
---@param address string
---@return string?
function tls.host_of(network, address)
    if network == "unix" then
        return nil
    end
    local host = address:match("^%[(.*)%]:[^:]*$") or address:match("^(.*):[^:]*$") or ""
    return host == "" and "localhost" or host:gsub("%.$", "")
end

return tls
