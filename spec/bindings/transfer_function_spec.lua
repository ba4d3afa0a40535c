-- SPDX-License-Identifier: MIT
local core = require "lagoon.core"
local helper = require "helper"
local lagoon = require "lagoon"

local copy = core.transfer_copy

local function message_of(...)
  return helper.message_of(function(...)
    local _ = copy(...) -- no tail call: the line is the spec's
  end, ...)
end

local function refused(what, ...)
  assert.are.equal("cannot send " .. what .. " to another Lua state", message_of(...))
end

describe("transfer of functions by name", function()
  it("gives the receiver's own", function()
    assert.are.equal(print, copy(print))
    local t = copy { string.format, f = lagoon.chan, [table.concat] = coroutine.wrap }
    assert.is_true(t[1] == string.format and t.f == lagoon.chan)
    assert.is_true(t[table.concat] == coroutine.wrap)
  end)

  it("refuses functions of C that have none", function()
    refused("a C function", string.gmatch("a", "a"))
    refused("a C function (at .next)", { next = string.gmatch("a", "a") })
    refused("a C function (at [1][2])", { { 1, coroutine.wrap(print) } })
  end)
end)

describe("transfer of functions", function()
  it("copies upvalues", function()
    local n, s, t = 5, "s", { x = { 1 } }
    local f = copy(function(k)
      return n + k, s, t
    end)
    local a, b, c = f(2)
    assert.are.equal(7, a)
    assert.are.equal("s", b)
    assert.are.same(t, c)
    assert.is_true(c ~= t)
    assert.are.equal(c, select(3, f(1)))
  end)

  it("is as deep as that of tables", function()
    local f = function()
      return 0
    end
    for _ = 1, 3000 do
      local inner = f
      f = function()
        return inner
      end
    end
    f = copy(f)
    for _ = 1, 3000 do
      f = f()
    end
    assert.are.equal(0, f())
  end)

  it("keeps the identity of functions", function()
    local f = function() end
    local t = copy { f, f, [f] = { f } }
    assert.is_true(t[1] == t[2] and t[t[1]][1] == t[1] and t[1] ~= f)
  end)

  it("copies what is recursive", function()
    local function factorial(n)
      return n <= 1 and 1 or n * factorial(n - 1)
    end
    assert.are.equal(120, copy(factorial)(5))
    local is_odd
    local function is_even(n)
      if n == 0 then
        return true
      end
      return is_odd[1](n - 1)
    end
    is_odd = { function(n)
      return n ~= 0 and is_even(n - 1)
    end }
    local even, odd = copy(is_even, is_odd)
    assert.is_true(even(10) and odd[1](7) and not even(7))
  end)

  it("lets two functions of a message share a variable", function()
    local t, u = {}, {}
    local function f()
      return t, u
    end
    local function g()
      return u, t
    end
    local f2, h = copy(f, { g = g })
    assert.are.equal(debug.upvalueid(f2, 1), debug.upvalueid(h.g, 2))
    assert.are.equal(debug.upvalueid(f2, 2), debug.upvalueid(h.g, 1))
    assert.are_not.equal(debug.upvalueid(f2, 1), debug.upvalueid(f2, 2))
    assert.are_not.equal(debug.upvalueid(f2, 1), debug.upvalueid(f, 1))
    local a, b = f2()
    local c, d = h.g()
    assert.is_true(a == d and b == c and a ~= b)
  end)

  it("gives each closure variables of its own", function()
    local list = {}
    for i = 1, 100 do
      list[i] = function()
        return i
      end
    end
    local copies = copy(list)
    for i = 1, 100 do
      assert.are.equal(i, copies[i]())
    end
    assert.are_not.equal(debug.upvalueid(copies[1], 1), debug.upvalueid(copies[2], 1))
  end)

  it("copies as many upvalues as there may be", function()
    local names, values = {}, {}
    for i = 1, 60 do
      names[i], values[i] = "v" .. i, tostring(i)
    end
    local f = assert(loadstring(("local %s = ...\nreturn function() return %s end"):format(
      table.concat(names, ","), table.concat(names, ","))))(unpack(values))
    assert.are.same(values, { copy(f)() })
  end)

  it("copies nil upvalues", function()
    local nothing = nil
    local f = copy(function()
      return nothing, "x"
    end)
    assert.is_nil(f())
  end)

  it("sends a copy on", function()
    local t = { 1 }
    local f = copy(copy(copy(function()
      return t
    end)))
    assert.are.same({ 1 }, f())
  end)

  it("names the upvalue that cannot be sent", function()
    local co = coroutine.create(print)
    local cfg = { log = { co } }
    local function f()
      return cfg
    end
    refused("a coroutine (at upvalue 'cfg'.log[1])", f)
    refused("a coroutine (at .on[2], upvalue 'cfg'.log[1])", { on = { 1, f } })
    local function g()
      return f, co
    end
    refused("a coroutine (at upvalue 'co')", g)
  end)

  it("refuses what assigns a captured variable", function()
    local n = 0
    local message = message_of { function()
      n = n + 1
    end }
    assert.is_truthy(message:find("^cannot send a function that assigns the captured variable 'n'"))
  end)
end)

describe("transfer of environments", function()
  it("sends a plain table that a function has", function()
    local env = { x = 1, tostring = tostring }
    local function f()
      return tostring(x) -- luacheck: ignore
    end
    local g = setfenv(function()
      return x -- luacheck: ignore
    end, env)
    setfenv(f, env)
    local f2, g2, env2 = copy(f, g, env)
    assert.are.equal("1", f2())
    assert.are.equal(env2, getfenv(f2))
    assert.are.equal(env2, getfenv(g2))
    env2.x = 2
    assert.are.equal(2, g2())
  end)

  it("gives a function that sees the globals those of the receiver", function()
    local f = setfenv(function()
      return print
    end, setmetatable({}, { __index = _G }))
    assert.are.equal(_G, getfenv(copy(f)))
    assert.are.equal(print, copy(f)())
    setfenv(f, _G)
    assert.are.equal(_G, getfenv(copy(f)))
  end)

  it("gives a function of a module that module", function()
    local helper_env = setfenv(function() end, helper)
    assert.are.equal(helper, getfenv(copy(helper_env)))
  end)
end)

describe("transfer of globals", function()
  local function run(text, ...)
    return lagoon.parallel(assert(loadstring(text)), ...):wait()
  end

  before_each(function()
    _G.spec_conf = { name = "conf", list = { 1, 2 } }
    _G.spec_double = setfenv(function(n)
      return 2 * n + #spec_conf.list -- luacheck: ignore
    end, _G)
  end)

  after_each(function()
    _G.spec_conf, _G.spec_double, _G.spec_bad = nil, nil, nil
  end)

  it("brings along what a function reads", function()
    assert.are.equal("conf", run "return spec_conf.name")
    assert.are.equal(8, run "return spec_double(3)")
    assert.are.equal("nil", run "return type(rawget(_G, 'spec_double'))")
  end)

  it("does so for what is read inside inner functions", function()
    assert.are.equal("conf", run "return (function() return spec_conf.name end)()")
  end)

  it("keeps their identity", function()
    assert.is_true(run("return (...) == spec_conf", _G.spec_conf))
  end)

  it("does not replace what is there", function()
    local f = assert(loadstring "return spec_conf.name")
    local g = copy(f)
    _G.spec_conf = { name = "mine" }
    assert.are.equal("mine", g())
    assert.are.equal("mine", copy(f)())
  end)

  it("names the one that cannot be sent", function()
    _G.spec_bad = { io.stdout }
    refused("a file (at global 'spec_bad'[1])", assert(loadstring "return spec_bad"))
    refused("a file (at .f, global 'spec_bad'[1])", { f = assert(loadstring "return spec_bad") })
  end)

  it("does without those that are Lua's", function()
    assert.are.equal("function", run "return type(print)")
    assert.are.equal("x", run "return string.rep('x', 1)")
  end)
end)
