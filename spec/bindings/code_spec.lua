-- SPDX-License-Identifier: MIT
--
-- Functions as bytecode: copied within one state here, by the same code that copies them to
-- another. What they capture, and the globals they read, is the business of transfer_spec.lua.
local core = require "lagoon.core"
local helper = require "helper"

-- The specs have an environment of busted's, which is not sent.
local function copy(f)
  return (core.transfer_copy(setfenv(f, getfenv(0))))
end

-- The prototype of the first function inside f: the same value if f's prototype is the same.
local function inside(f)
  local util = require "jit.util"
  for i = -1, -100, -1 do
    local constant = util.funck(f, i)
    if type(constant) == "proto" then
      return constant
    end
  end
end

-- The function that a text returns.
local function made(text, name)
  return assert(loadstring(text, name or "=text"))()
end

local function refusal(name, place)
  return ("cannot send a function that assigns the captured variable '%s' (%s) "
    .. "to another Lua state"):format(name, place)
end

local function message_of(f)
  return helper.message_of(function()
    copy(f)
    return 0
  end)
end

describe("a copied function", function()
  it("does the same", function()
    local x, t = 5, { y = 2 }
    local function f(a, ...) return a + x * t.y, select("#", ...), ... end
    local g = copy(f)
    assert.not_equal(f, g)
    assert.same({ 11, 2, nil, "z" }, { g(1, nil, "z") })
  end)

  it("may capture nothing, or as much as can be", function()
    assert.equal(7, copy(function() return 7 end)())
    local names, sum = {}, 0
    for i = 1, 60 do
      names[i] = "v" .. i
      sum = sum + i
    end
    local text = {}
    for i = 1, 60 do
      text[i] = ("local v%d = %d"):format(i, i)
    end
    text[61] = "return function() return " .. table.concat(names, " + ") .. " end"
    assert.equal(sum, copy(made(table.concat(text, "\n")))())
  end)

  it("may be a main chunk", function()
    local f = assert(loadstring("local a, b = ... return b, a", "=chunk"))
    assert.same({ 2, 1 }, { copy(f)(1, 2) })
  end)

  it("may call itself", function()
    local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end
    for _ = 1, 5 do
      assert.equal(6765, copy(fib)(20))
    end
  end)

  it("makes functions that assign what is its own", function()
    local step = 2
    local function counter()
      local n = 0
      return function()
        n = n + step
        return n
      end
    end
    local a, b = copy(counter)(), copy(counter)()
    assert.same({ 2, 4, 2 }, { a(), a(), b() })
  end)

  it("has the constants of all kinds", function()
    local function f()
      return "", "a\0b", 0.1, -1, 1e300, 2 ^ 31, -2147483648, nil, true,
        { 1, 2, { 3 }, x = "y", [0.5] = false, [-1] = 1e15 }
    end
    assert.same({ f() }, { copy(f)() })
  end)

  it("has the FFI's constants", function()
    if not pcall(require, "ffi") then
      return
    end
    local f = made "return function() return -5LL, 0xffffffffffffffffULL, 2i end"
    local got = { copy(f)() }
    for i, want in ipairs { f() } do
      assert.equal(tostring(want), tostring(got[i]))
    end
  end)

  it("has the lines and names for errors and debuggers", function()
    local text = "local lost\nreturn function(x)\n  local y = x\n  return lost.field\nend"
    local f = made(text, "@file.lua")
    local g = copy(f)
    local info = debug.getinfo(g, "Su")
    assert.same({ "@file.lua", 2, 5, 1 },
      { info.source, info.linedefined, info.lastlinedefined, info.nups })
    assert.equal("lost", (debug.getupvalue(g, 1)))
    local ok, err = pcall(g)
    assert.is_false(ok)
    assert.equal("file.lua:4: attempt to index upvalue 'lost' (a nil value)", err)
  end)

  it("may have no lines and names", function()
    local f = assert(loadstring(string.dump(function(x) return x, (function() end) end, true)))
    assert.equal(3, (copy(f)(3)))
  end)

  it("has captured variables of its own", function()
    local x = 1
    local function f() return x end
    local g, h = copy(f), copy(f)
    debug.setupvalue(g, 1, 2)
    assert.same({ 1, 2, 1 }, { f(), g(), h() })
  end)

  it("is as before once loops in it have been compiled", function()
    local k = 3
    local function f(n)
      local sum = 0
      for i = 1, n do
        for _, v in ipairs { i, k } do
          sum = sum + v
        end
      end
      for _ in pairs { a = 1, b = 2 } do
        sum = sum + 1
      end
      while sum % 2 == 1 do
        sum = sum + 1
      end
      return sum
    end
    local before, want = copy(f), f(1000)
    local after = copy(f)
    assert.same({ want, want, want }, { before(1000), after(1000), copy(after)(1000) })
  end)
end)

describe("copies of a function", function()
  it("share a prototype", function()
    local x = 1
    local function f() return function() return x end end
    local g, h = copy(f), copy(f)
    assert.is_not_nil(inside(g))
    assert.equal(inside(g), inside(h))
    assert.equal(inside(g), inside(copy(g)))
  end)

  it("share it with those of another closure", function()
    local function closure(x) return function() return function() return x end end end
    local g, h = copy(closure(1)), copy(closure(2))
    assert.equal(inside(g), inside(h))
    assert.same({ 1, 2 }, { g()(), h()() })
  end)

  it("stay right when one was compiled", function()
    local function closure(x)
      return function(n)
        local sum = 0
        for _ = 1, n do
          sum = sum + x
        end
        return sum
      end
    end
    for x = 1, 10 do
      assert.equal(1000 * x, copy(closure(x))(1000))
    end
    assert.equal(1000.5 * 1000, copy(closure(1000.5))(1000))
    assert.error(function() copy(closure {})(1000) end)
  end)

  it("share what was compiled", function()
    local path = helper.path("traces")
    os.remove(path)
    local child = helper.lagoon { "-jv=" .. path, helper.file("copies.lua", [[
      local copy = require("lagoon.core").transfer_copy
      local k = 1
      local function f()
        local sum = 0
        for i = 1, 1000 do sum = sum + k end -- line 5
        return sum
      end
      for i = 1, 50 do assert(copy(f)() == 1000) end]]) }
    assert.equal("", child.err)
    local file = assert(io.open(path))
    local said = file:read("*a")
    file:close()
    local n = 0
    for _ in said:gmatch("TRACE +%d+ copies.lua:5 loop") do
      n = n + 1
    end
    -- once for the first, alone, and once for all others
    assert.is_true(n == 1 or n == 2 or said == "", said)
  end)

  it("are found among many, and while the collector runs", function()
    local functions = {}
    for i = 1, 1000 do
      functions[i] = made(("local k = %d return function(x) return x + k + %d end"):format(i, i))
    end
    local random = helper.random(1)
    for _ = 1, helper.rounds(3000) do
      local i = random(#functions)
      local g = copy(functions[i])
      assert.equal(2 * i + 1, g(1))
      if random(20) == 1 then
        functions[i] = g
      elseif random(100) == 1 then
        collectgarbage()
      end
    end
  end)
end)

describe("a function that assigns a captured variable", function()
  local function message(text, name)
    return message_of(made(text, name))
  end

  it("is refused, with the variable and the line", function()
    for _, value in ipairs { "x", "'text'", "12", "0.5", "nil", "true", "{}", "x + 1" } do
      assert.equal(refusal("n", "text:3"),
        message("local n, m\nreturn function(x)\n  n = " .. value .. "\n  return m\nend"))
    end
  end)

  it("is refused for what a function inside does", function()
    assert.equal(refusal("n", "script.lua:4"), message([[
local n, m = 1, 2
return function()
  return m, function()
    return function() n = n + 1 end
  end
end]], "@script.lua"))
  end)

  it("is told of the first such line", function()
    assert.equal(refusal("m", "text:4"), message([[
local n, m = 1, 2
return function()
  local function later(x)
    m = x
    n = x
  end
  n = 1
  return later
end]]))
  end)

  it("is refused where lines and names are gone", function()
    local f = made "local n return function(x) n = x end"
    local g = assert(loadstring(string.dump(f, true), "=stripped"))
    assert.equal(refusal("?", "stripped"), message_of(g))
  end)

  it("can be sent inside the function whose variable it is", function()
    local f = made "return function(x) local n = 0 return function() n = n + x return n end end"
    local counter = copy(f)(3)
    assert.same({ 3, 6 }, { counter(), counter() })
    assert.equal(refusal("n", "text:1"), message_of(counter))
  end)

  it("may do it to a variable of the same name", function()
    local f = made "local n = 1 return function(x) local m = n local n = m n = n + x return n end"
    assert.equal(3, copy(f)(2))
  end)
end)

-- Random functions, with what must be said of them.
local Writer = {}
Writer.__index = Writer

function Writer:line(text)
  self.lines[#self.lines + 1] = text
end

function Writer:pick(names)
  return names[self.random(#names)]
end

-- Statements of a function that is in so many others. `own` may be assigned freely.
function Writer:body(depth, own)
  own = { unpack(own) }
  for _ = 1, self.random(4) do
    local choice = self.random(10)
    if choice <= 4 then
      self:line(("%s = %s + %s"):format(self:pick(own), self:pick(own), self:pick(self.captured)))
    elseif choice <= 6 then
      self.n = self.n + 1
      own[#own + 1] = "l" .. self.n
      self:line(("local l%d = %d"):format(self.n, self.n))
    elseif choice == 7 and self.random(4) == 1 then
      local name = self:pick(self.captured)
      self:line(("if %s < 0 then %s = %s end"):format(name, name, self:pick(own)))
      self.refused = self.refused or { name, #self.lines }
    elseif depth < 4 then
      self.n = self.n + 1
      local name = "f" .. self.n
      self:line(("local function %s(p%d)"):format(name, self.n))
      local inner = { unpack(own) }
      inner[#inner + 1] = "p" .. self.n
      self:body(depth + 1, inner)
      self:line("end")
      self:line(("%s = %s(%s)"):format(self:pick(own), name, self:pick(own)))
    end
  end
  self:line(("do return %s end"):format(self:pick(own)))
end

describe("any function", function()
  it("does the same when copied, or is refused for the right reason", function()
    local random = helper.random(2)
    local nrefused, ncopied = 0, 0
    for _ = 1, helper.rounds(400) do
      local writer = setmetatable({ lines = {}, n = 0, random = random }, Writer)
      writer.captured = { "v1", "v2", "v3" }
      writer:line("local v1, v2, v3 = 1, 20, 300 return function(p0)")
      writer:body(1, { "p0" })
      writer:line("end")
      local text = table.concat(writer.lines, "\n")
      local f = made(text)
      if writer.refused then
        nrefused = nrefused + 1
        assert.equal(refusal(writer.refused[1], "text:" .. writer.refused[2]),
          message_of(f), text)
      else
        ncopied = ncopied + 1
        assert.equal(f(7), copy(f)(7), text)
      end
    end
    assert.is_true(nrefused > 0 and ncopied > 0)
  end)
end)
