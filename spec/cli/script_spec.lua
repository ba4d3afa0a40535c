-- SPDX-License-Identifier: MIT
--
-- Scripts that run, and scripts that cannot.
local helper = require "helper"

local lagoon, script = helper.lagoon, helper.script

describe("a script", function()
  it("runs as goroutine 1, and the program ends when it returns", function()
    local child = script [[
      local lagoon = require "lagoon"
      lagoon.go(function() while true do lagoon.yield() end end)
      lagoon.go(function() lagoon.sleep(1000) print "never" end)
      lagoon.go(function() lagoon.chan():recv() end)
      lagoon.sleep(0.005)
      print(lagoon.self():id())
    ]]
    assert.equal(0, child.status)
    assert.equal("1\n", child.out)
    assert.equal("", child.err)
  end)

  it("has lagoon built in, whatever LUA_PATH says", function()
    local child = script("print(type(require 'lagoon'.chan))",
      { env = { LUA_PATH = "nowhere", LUA_CPATH = "nowhere" } })
    assert.equal("function\n", child.out)
  end)

  -- Modules that were loaded before the globals are gone, and one that is loaded then.
  local RUDE = [[
    local lagoon = require "lagoon"
    local G, require, write, text, n = _G, require, io.write, tostring, select
    for name in next, G do
      G[name] = name == "type" and "no function" or nil
    end
    local function print(...)
      for i = 1, n("#", ...) do
        write(text((n(i, ...))), " ")
      end
    end
    lagoon.run(function()
      local ch = lagoon.chan(1)
      lagoon.async(function() ch:send("sent") end):wait()
      local group = lagoon.group()
      group:go(function() lagoon.sleep(0.001) end)
      group:wait()
      print(ch:recv())
      print(lagoon.select(ch, lagoon.default))
      print(lagoon.parallel(function(x) return x + 1 end, 1):wait())
      print(require("lagoon.json").encode { 1, { a = true } })
      kept = "kept"
      print(G.kept, G.type, lagoon.type)
    end)
  ]]

  it("may overwrite all globals", function()
    for _, child in ipairs { script(RUDE), helper.hosted(RUDE) } do
      assert.equal("", child.err)
      assert.equal('sent true 2 2 [1,{"a":true}] kept no function nil ', child.out)
    end
  end)

  it("may begin with a shebang line", function()
    local path = helper.file("she.lua", "#!" .. "/usr/bin/env lagoon\nprint('lines', "
      .. "debug.getinfo(1, 'l').currentline, ...)")
    assert.equal("lines\t2\tx\n", lagoon({ path, "x" }).out)
    local program = io.popen("readlink -f " .. helper.program):read("*l")
    path = helper.file("she", "#!" .. program .. "\nprint('executable', ...)")
    os.execute("chmod +x " .. path)
    assert.equal("executable\ta\n", helper.child({ path, "a" }).out)
  end)

  it("may require C modules", function()
    local child = script("print(type(require 'lfs'.currentdir()))",
      { env = { LUA_CPATH = "/usr/lib/x86_64-linux-gnu/lua/5.1/?.so;"
        .. "/usr/lib/aarch64-linux-gnu/lua/5.1/?.so;;" } })
    assert.equal("string\n", child.out)
  end)

  it("flushes what it has printed, in every way of ending", function()
    for ending, status in pairs {
      [""] = 0,
      ["os.exit(0)"] = 0,
      ["os.exit(7)"] = 7,
      ["os.exit(true)"] = 0,
      ["os.exit(false)"] = 1,
      ["error 'x'"] = 1,
      ["require'lagoon'.chan():recv()"] = 2,
      ["require'lagoon'.go(error, 'x') require'lagoon'.sleep(1)"] = 2,
      ["require'lagoon'.go(os.exit, 9) require'lagoon'.sleep(1)"] = 9,
    } do
      local child = script("io.write('kept') " .. ending)
      assert.equal("kept", child.out, ending)
      assert.equal(status, child.status, ending)
    end
  end)

  it("closes its state's files and objects at the end", function()
    local path = helper.path("written")
    local child = script(([[
      f = io.open(%q, "w")
      f:write("buffered")
      p = newproxy(true)
      getmetatable(p).__gc = function() io.stderr:write("collected") end
    ]]):format(path))
    assert.equal(0, child.status)
    local file = io.open(path)
    assert.equal("buffered", file:read("*a"))
    file:close()
    assert.equal("collected", child.err)
  end)
end)

describe("a script that cannot be run", function()
  local function refused(path, want)
    local child = lagoon { path }
    assert.equal(1, child.status)
    assert.equal("", child.out)
    assert.matches("^lagoon: ", child.err)
    for _, part in ipairs(want) do
      assert.matches(part, child.err, 1, true)
    end
    assert.is_nil(child.err:find("traceback", 1, true))
  end

  it("because it is missing, is named", function()
    refused("/no/such/script.lua", { "/no/such/script.lua", "No such file" })
  end)

  it("because it is a directory, is named", function()
    local path = helper.path("folder")
    os.execute("mkdir -p " .. path)
    refused(path, { path, "directory" })
  end)

  it("because it may not be read, is named", function()
    local path = helper.file("secret.lua", "print 'secret'")
    os.execute("chmod 000 " .. path)
    local reader = io.open(path)
    if reader then -- we are root: nothing is unreadable
      reader:close()
      return
    end
    refused(path, { path, "ermission" })
  end)

  it("because it is binary, is named and called so", function()
    refused(helper.program, { helper.program, "binary" })
    local path = helper.file("zeros", ("\0"):rep(100))
    refused(path, { path, "binary" })
  end)

  it("because it is damaged bytecode, is named", function()
    local path = helper.file("damaged", "\27LJ\2\8nonsense")
    local child = lagoon { path }
    assert.equal(1, child.status)
    assert.matches("damaged", child.err)
  end)

  it("because of a syntax error, is named with the line", function()
    local path = helper.file("wrong.lua", "local x = 1\nlocal y = = 2\n")
    refused(path, { "wrong.lua:2:", "unexpected symbol" })
    path = helper.file("cut.lua", "for i = 1, 3 do\n")
    refused(path, { "cut.lua", "'end' expected" })
  end)

  it("is not there at all: an empty one does nothing", function()
    local child = lagoon { helper.file("empty.lua", "") }
    assert.equal(0, child.status)
    assert.equal("", child.out .. child.err)
  end)
end)

describe("a deep recursion", function()
  it("in Lua is a stack overflow that says so", function()
    local child = script "local function f() return 1 + f() end f()"
    assert.equal(1, child.status)
    assert.matches("stack overflow", child.err)
  end)

  it("in callbacks of C functions is a readable fatal error", function()
    for _, call in ipairs { "f()", "require'lagoon'.async(f):wait()" } do
      local child = script("local function f() return (('x'):gsub('x', f)) end " .. call)
      assert.is_true(child.status ~= 0 and child.status ~= 139, tostring(child.status))
      assert.matches("stack overflow", child.err)
      assert.matches("goroutine", child.err)
    end
  end)
end)
