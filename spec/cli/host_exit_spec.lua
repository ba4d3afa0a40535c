-- SPDX-License-Identifier: MIT
--
-- The end of a host that has lagoon.so, from wherever it comes: the status is the host's, and
-- nothing crashes or hangs.
local helper = require "helper"

local PREFIX = ("package.cpath = %q\nlocal lagoon = require 'lagoon'\n")
  :format((helper.library:gsub("lagoon%.so$", "?.so")))

-- Goroutines, a task and a timer that are there at the end.
local COMPANY = [[
  local function company()
    lagoon.go(function() lagoon.chan():recv() end)
    lagoon.go(function() table.sort({ 3, 2, 1 }, function() lagoon.chan():recv() end) end)
    lagoon.parallel(function() require("lagoon").sleep(100) end)
    lagoon.timer(100, print)
    lagoon.yield()
  end
]]

local function status_of(text)
  local child = helper.child { "luajit", helper.file("host_exit.lua", PREFIX .. COMPANY .. text) }
  return child.status, child.err
end

-- What calls EXIT, and from where.
local places = {
  ["the top level"] = "lagoon.run(company) EXIT",
  ["a goroutine"] = "lagoon.run(function() company() EXIT end)",
  ["another goroutine"] = [[
    lagoon.run(function() company() lagoon.go(function() EXIT end) lagoon.sleep(9) end)]],
  ["a goroutine with C frames"] = [[
    lagoon.run(function()
      company()
      table.sort({ 3, 2, 1 }, function() lagoon.yield() EXIT end)
    end)]],
  ["a timer"] = [[
    lagoon.run(function() company() lagoon.timer(0.001, function() EXIT end) lagoon.sleep(9) end)]],
  ["a task in another state"] = [[
    lagoon.run(function() company() lagoon.parallel(function() EXIT end):wait() end)]],
  ["a finaliser at the top level"] = [[
    lagoon.run(company)
    getmetatable(newproxy(true)).__gc = function() EXIT end
    collectgarbage()
    collectgarbage()]],
  ["a finaliser in a goroutine"] = [[
    lagoon.run(function()
      company()
      getmetatable(newproxy(true)).__gc = function() EXIT end
      collectgarbage()
      collectgarbage()
    end)]],
  ["a finaliser in another state"] = [[
    lagoon.run(function()
      company()
      lagoon.parallel(function()
        getmetatable(newproxy(true)).__gc = function() EXIT end
        collectgarbage()
        collectgarbage()
      end):wait()
    end)]],
  ["a finaliser at the end"] = [[
    lagoon.run(company)
    last = newproxy(true)
    getmetatable(last).__gc = function() EXIT end]],
  ["the error handler"] = [[
    lagoon.on_error(function() EXIT end)
    lagoon.run(function() company() lagoon.go(error, "told") lagoon.sleep(9) end)]],
}

describe("the end of a host", function()
  if not helper.has_host() then
    return
  end

  for place, text in pairs(places) do
    it("is that of os.exit in " .. place, function()
      assert.equal(7, (status_of((text:gsub("EXIT", "os.exit(7)")))))
    end)

    it("is that of os.exit in " .. place .. ", with the state closed", function()
      assert.equal(7, (status_of((text:gsub("EXIT", "os.exit(7, true)")))))
    end)
  end

  it("is that of an error at the top level while goroutines wait", function()
    local status, err = status_of [[
      print(pcall(lagoon.run, function() company() error "caught" end))
      lagoon.run(company)
      error "uncaught"
    ]]
    assert.equal(1, status)
    assert.matches("uncaught", err)
  end)

  it("is that of a C function of the host's that ends the process", function()
    local status = status_of [[
      require("ffi").cdef "void exit(int);"
      lagoon.run(function() company() require("ffi").C.exit(7) end)
    ]]
    assert.equal(7, status)
  end)
end)
