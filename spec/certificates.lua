-- SPDX-License-Identifier: MIT
--
-- Certificates for specs of TLS, made by `openssl` when they are first asked for.
local lagoon = require "lagoon"
local helper = require "helper"

local certificates = {}

---Whether there is a program that makes them.
---@return boolean
function certificates.can_be_made()
  return os.execute("command -v openssl >/dev/null 2>&1") == 0
end

-- One key for all. `localhost` is as it should be, `other` is for another name, `old` is over,
-- and `alone` has signed itself.
local SCRIPT = [[
set -e
mkdir -p "$1"
cd "$1"
ec="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
openssl req -x509 $ec -keyout ca.key -out ca.pem -days 2 -subj "/CN=spec CA"
openssl req $ec -keyout key.pem -out request.pem -subj /CN=localhost
sign() {
    echo "subjectAltName=$3" >"$1.ext"
    openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -days "$2" -extfile "$1.ext" \
        -out "$1.pem"
}
sign localhost 2 DNS:localhost,IP:127.0.0.1
sign other 2 DNS:other.example
sign old -1 DNS:localhost,IP:127.0.0.1
openssl req -x509 -key key.pem -out alone.pem -days 2 -subj /CN=localhost
openssl ec -in key.pem -aes128 -passout pass:secret -out locked.pem
]]

-- What is made last. busted loads this file anew for each that asks for it; the folder stays.
local LAST = "/locked.pem"

---The path of one: "ca.pem", "localhost.pem", "key.pem", ...
---@async
---@param name string
---@return string
function certificates.path(name)
  local folder = helper.path("certificates")
  if not lagoon.fs.stat(folder .. LAST) then
    local _, exit = assert(lagoon.process.run("bash", { "-c", SCRIPT, "bash", folder }))
    assert(exit.code == 0, exit.stderr)
  end
  return folder .. "/" .. name
end

---What a server needs that shows one.
---@async
---@param name? string  "localhost" if absent
---@return table
function certificates.server(name)
  return {
    cert = certificates.path((name or "localhost") .. ".pem"),
    key = certificates.path("key.pem"),
  }
end

return certificates
