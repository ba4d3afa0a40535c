-- SPDX-License-Identifier: MIT
--
-- JSON in bodies, by lua-cjson.
local lagoon = require "lagoon"
local helper = require "helper"
local http = lagoon.http

local function serving(handler, f)
  local server = assert(http.serve("127.0.0.1:0", handler, { log = function() end }))
  local ok, err = pcall(f, "http://" .. server:addr())
  server:close(ok and 5 or 0)
  assert(ok, err)
end

local has_cjson = pcall(require, "cjson")

describe("JSON", function()
  if has_cjson then
    it("is read from a request, and written and read as a response", function()
      serving(function(req, res)
        local value = assert(req:json())
        value.is_null = value.nothing == http.null
        value.list[#value.list + 1] = http.null
        assert(res:json(value))
      end, function(url)
        local res = assert(http.request { url = url, method = "POST",
          body = '{"list": [1, "zw\195\182lf"], "nothing": null}' })
        assert.equal("application/json", res.headers["Content-Type"])
        assert.same({ list = { 1, "zw\195\182lf", http.null }, nothing = http.null,
          is_null = true }, res:json())
        res = assert(http.request { url = url, method = "POST", stream = false,
          body = '{"list": []}' })
        assert.same({ list = { http.null }, is_null = false }, res:json())
      end)
    end)

    it("that is none is told", function()
      local seen = {}
      serving(function(req, res)
        seen[#seen + 1] = { req:json() }
        res:write("{")
      end, function(url)
        for _, body in ipairs { "", "{", "[NaN]", "{} {}", ("["):rep(5000) } do
          local value, err, code = assert(http.request { url = url, method = "POST",
            body = body }):json()
          assert.is_nil(value)
          assert.equal("EPROTO", code)
          assert.is_truthy(err:find("^not JSON: "))
        end
      end)
      for i = 1, 5 do
        assert.equal("EPROTO", seen[i][3])
      end
    end)

    it("has no word for functions, and keeps the type that was set", function()
      local message
      serving(function(_, res)
        res.headers["Content-Type"] = "application/problem+json"
        message = helper.message_of(function() res:json(print) end)
        res:json { 0 / 1 }
      end, function(url)
        local res = assert(http.get(url))
        assert.equal("application/problem+json", res.headers["Content-Type"])
        assert.equal("[0]", res:read("*a"))
      end)
      assert.is_truthy(message:find("function"))
    end)
  end

  it("says which package is missing", function()
    local child = helper.script [[
      package.path, package.cpath = "", ""
      package.loadlib = function() end
      local lagoon = require "lagoon"
      assert(lagoon.http.null == nil)
      local server = lagoon.http.serve("127.0.0.1:0", function(_, res) res:json {} end)
      print(lagoon.http.get("http://" .. server:addr()).status)
      server:close()
    ]]
    assert.equal("500\n", child.out)
    assert.is_truthy(child.err:find("script.lua:5: JSON needs the module 'cjson', which is not "
      .. "installed; on Debian: apt install lua-cjson\n", 1, true), child.err)
  end)
end)
