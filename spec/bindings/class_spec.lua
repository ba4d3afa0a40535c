-- SPDX-License-Identifier: MIT
--
-- Metatables that have a name: within one state, and in workers, which have none of these classes
-- until they get them. Workers are used again, so every class here has a name of its own.
local core = require "lagoon.core"
local helper = require "helper"
local lagoon = require "lagoon"

local copy = core.transfer_copy

local n = 0

local function new_name(stem)
  n = n + 1
  return ("%s_%d"):format(stem or "class_spec", n)
end

-- busted gives specs an environment of their own, which would have to travel along.
local function plain(f)
  return setfenv(f, getfenv(0))
end

-- What f(...) returns in a worker.
local function elsewhere(f, ...)
  return lagoon.parallel(plain(f), ...):wait()
end

-- A class as scripts write them: its metatable is where its methods are.
local function new_class(name)
  local Class = { kind = name }
  Class.__index = Class
  Class.new = plain(function(x) return setmetatable({ x = x }, Class) end)
  Class.get = plain(function(self) return self.x end)
  Class.is = plain(function(self) return getmetatable(self) == Class end)
  Class.__add = plain(function(a, b) return Class.new(a.x + b.x) end)
  return lagoon.class(name, Class)
end

describe("lagoon.class", function()
  it("returns the metatable, as often as it is called", function()
    local mt, name = {}, new_name()
    assert.equal(mt, lagoon.class(name, mt))
    assert.equal(mt, lagoon.class(name, mt))
  end)

  it("gives a name to one metatable, and a metatable one name", function()
    local mt, name = {}, new_name()
    lagoon.class(name, mt)
    assert.equal(("class '%s' is already another metatable"):format(name),
      helper.message_of(function() lagoon.class(name, {}) end))
    assert.equal(("the metatable is already class '%s'"):format(name),
      helper.message_of(function() lagoon.class(new_name(), mt) end))
  end)

  it("keeps the metatable", function()
    local name = new_name()
    lagoon.class(name, {})
    collectgarbage()
    collectgarbage()
    assert.matches("already another", helper.error_of(lagoon.class, name, {}))
  end)

  it("refuses what is no name, and what is no metatable", function()
    for message, call in pairs {
      ["bad argument #1 to 'class' (string expected, got no value)"] =
        function() lagoon.class() end,
      ["bad argument #1 to 'class' (string expected, got number)"] =
        function() lagoon.class(1, {}) end,
      ["bad argument #1 to 'class' (the name is empty)"] =
        function() lagoon.class("", {}) end,
      ["bad argument #2 to 'class' (table expected, got nil)"] =
        function() lagoon.class(new_name(), nil) end,
      ["bad argument #2 to 'class' (table expected, got channel)"] =
        function() lagoon.class(new_name(), lagoon.chan()) end,
    } do
      assert.equal(message, helper.message_of(call))
    end
  end)
end)

describe("an instance", function()
  it("without a class of that name is refused", function()
    assert.equal("cannot send a table whose metatable lagoon.class does not know (at .p) to "
      .. "another Lua state", helper.message_of(function() copy { p = setmetatable({}, {}) } end))
  end)

  it("has the metatable of the state in which it arrives", function()
    local Point = new_class(new_name())
    local list = { Point.new(1), Point.new(2) }
    list[3] = list[1]
    local got = copy(list)
    for i = 1, 3 do
      assert.is_false(rawequal(got[i], list[i]))
      assert.equal(Point, getmetatable(got[i]))
      assert.equal(list[i].x, got[i]:get())
    end
    assert.equal(got[1], got[3])
  end)

  it("may stand in a cycle, and beside its class", function()
    local Point = new_class(new_name())
    local p = Point.new(1)
    p.me, p.class = p, Point
    local got = copy(p)
    assert.equal(got, got.me)
    assert.equal(Point, got.class)
    local list = copy { Point, p, Point, { [Point] = 1 } }
    assert.equal(Point, list[1])
    assert.equal(Point, getmetatable(list[2]))
    assert.equal(Point, list[3])
    assert.equal(1, list[4][Point])
  end)
end)

describe("a class that the other state lacks", function()
  it("comes along, with its methods", function()
    local Point = new_class(new_name())
    assert.same({ 3, true, 7 }, { elsewhere(function(a, b)
      return a:get(), a:is() and b:is(), (a + b).x
    end, Point.new(3), Point.new(4)) })
  end)

  it("comes along with a function that has captured it", function()
    local Point = new_class(new_name())
    local p = elsewhere(function(x) return Point.new(x) end, 5)
    assert.equal(Point, getmetatable(p))
    assert.equal(5, p:get())
    assert.equal(Point, elsewhere(function() return Point end))
  end)

  it("is one there, whatever mentions it", function()
    local Point = new_class(new_name())
    local p = Point.new(1)
    assert.is_true(elsewhere(function(q, class)
      return getmetatable(q) == class and class == Point and p:is() and q:is()
        and Point.new(1):is()
    end, p, Point))
  end)

  it("may hold instances of itself", function()
    local Point = new_class(new_name())
    Point.origin = Point.new(0)
    Point.list = { Point.new(1), { Point.new(2) } }
    Point.self = Point
    assert.is_true(elsewhere(function(p)
      local class = getmetatable(p)
      return class.origin:is() and class.list[2][1]:is() and class.self == class
        and class.origin ~= p
    end, Point.new(3)))
  end)

  it("may hold another that holds it", function()
    local A, B = new_class(new_name()), new_class(new_name())
    A.other, B.other = B, A
    A.b, B.a = B.new(1), A.new(2)
    assert.is_true(elsewhere(function(a)
      local class = getmetatable(a)
      return class.b:is() and class.other.a:is() and class.other.other == class
    end, A.new(3)))
  end)

  it("inherits by a metatable of its own, with a name or without", function()
    local Base = new_class(new_name())
    Base.base = plain(function() return "base" end)
    local Named = setmetatable(new_class(new_name()), Base)
    local Plain = setmetatable(new_class(new_name()), { __index = Base })
    assert.same({ "base", "base", 1 }, { elsewhere(function(a, b)
      return a:base(), b:base(), b:get()
    end, Named.new(1), Plain.new(1)) })
  end)

  it("comes by way of a channel, too, and goes back", function()
    local function nchannels()
      lagoon.runtime.gc()
      return lagoon.runtime.stats().channels
    end
    local function run()
      local Point = new_class(new_name())
      local there, back = lagoon.chan(), lagoon.chan()
      local task = lagoon.parallel(plain(function(from, to)
        for p in from do
          to:send(p + p)
        end
      end), there, back)
      for i = 1, 5 do
        there:send(Point.new(i))
        local p = back:recv()
        assert.equal(Point, getmetatable(p))
        assert.equal(2 * i, p:get())
      end
      there:close()
      task:wait()
    end
    local before = nchannels()
    run()
    helper.settle(function() return nchannels() <= before end, "the channels are collected")
  end)

  it("is as it was when it was first sent", function()
    local Point = new_class(new_name())
    elsewhere(function() end, Point.new(1))
    Point.later = plain(function() return "later" end)
    assert.is_nil(elsewhere(function(p) return p.later end, Point.new(1)))
  end)

  it("gives way to one that is declared there", function()
    local name = new_name()
    local Point = new_class(name)
    local results = { elsewhere(function(p)
      local own = { __index = { get = function() return "own" end } }
      local transfer = require("lagoon.core").transfer_copy
      local before = getmetatable(p)
      require("lagoon").class(name, own)
      local again = pcall(require("lagoon").class, name, {})
      local q = transfer(setmetatable({}, own))
      return p:get(), q:get(), again, getmetatable(q) == own, getmetatable(transfer(p)) == own,
        before ~= own
    end, Point.new(1)) }
    assert.same({ 1, "own", false, true, true, true }, results)
  end)

  it("brings the globals of its functions along, which no task can change", function()
    local globals = getfenv(0)
    globals.class_spec_unit = "m"
    local Length = lagoon.class(new_name(), {})
    Length.__index = Length
    Length.text = plain(function(self) return self.x .. class_spec_unit end) -- luacheck: ignore
    local l = setmetatable({ x = 1 }, Length)
    local function text(length)
      local before = length:text()
      class_spec_unit = "km" -- luacheck: ignore
      return before .. length:text()
    end
    for _ = 1, 2 * lagoon.runtime.procs() do
      assert.equal("1m1m", elsewhere(text, l))
    end
    globals.class_spec_unit = nil
  end)

  it("says why it could not come along", function()
    local name = new_name()
    local Log = lagoon.class(name, { file = io.stdout })
    local task = lagoon.parallel(plain(function(log) return log end), setmetatable({ x = 1 }, Log))
    local message = ("cannot receive a '%s': this Lua state has no such class, and its metatable "
      .. "could not be sent: cannot send a file (at .file) to another Lua state"):format(name)
    assert.matches(message, helper.error_of(task.wait, task), 1, true)
    local twice = lagoon.parallel(plain(function(log) return log end), setmetatable({ x = 1 }, Log))
    assert.matches(message, helper.error_of(twice.wait, twice), 1, true)
  end)

  it("is no hindrance where it is known, even if it could not be sent", function()
    local Log = lagoon.class(new_name(), { file = io.stdout })
    assert.equal(Log, getmetatable(copy(setmetatable({}, Log))))
  end)

  it("gets an error of its hooks to the sender, and another try", function()
    local fails = true
    local hook = setmetatable({}, { __transfer = function()
      if fails then
        error("not now", 0)
      end
      return print
    end })
    local Point = lagoon.class(new_name(), { hook = hook })
    local p = setmetatable({ x = 1 }, Point)
    assert.equal("not now", helper.error_of(lagoon.parallel, plain(function() end), p))
    fails = false
    assert.equal(1, elsewhere(function(q) return q.x end, p))
  end)
end)

describe("a class in a module", function()
  local path, name

  setup(function()
    path = package.path
    package.path = helper.path("?.lua") .. ";" .. path
  end)

  before_each(function()
    name = new_name("class_module")
  end)

  teardown(function()
    package.path = path
    for loaded in pairs(package.loaded) do
      if type(loaded) == "string" and loaded:find("^class_module") then
        package.loaded[loaded] = nil
      end
    end
  end)

  it("is found where the module is loaded: the table, or one in it", function()
    helper.file(name .. ".lua", [[
      local M = { Inner = {} }
      M.__index, M.Inner.__index = M, M.Inner
      function M.get(self) return self.x end
      function M.Inner.get(self) return self.x end
      return M
    ]])
    local M = require(name)
    lagoon.class(name, M)
    lagoon.class(name .. ".Inner", M.Inner)
    local a, b = setmetatable({ x = 1 }, M), setmetatable({ x = 2 }, M.Inner)
    assert.same({ 1, 2, true, true }, { elsewhere(function(p, q)
      local module = require(name)
      return p:get(), q:get(), getmetatable(p) == module, getmetatable(q) == module.Inner
    end, a, b) })
  end)

  it("may be declared by the module itself", function()
    helper.file(name .. ".lua", ([[
      local M = {}
      M.__index = M
      function M.new() return setmetatable({}, M) end
      require("lagoon").class(%q, M)
      return { Class = M }
    ]]):format(name))
    local M = require(name)
    assert.is_true(elsewhere(function(p)
      return getmetatable(p) == require(name).Class
    end, M.Class.new()))
  end)

  it("is tried again after its contents could not be had", function()
    local text = "return { f = function() return 'f' end }"
    helper.file(name .. ".lua", text)
    local Class = lagoon.class(name, { __index = require(name) })
    Class.f = require(name).f
    local instance = setmetatable({ x = 1 }, Class)
    os.remove(helper.path(name .. ".lua"))
    for _ = 1, 2 do
      local task = lagoon.parallel(plain(function(p) return p.x end), instance)
      local message = ("module '%s' not found"):format(name)
      assert.matches(message, helper.error_of(task.wait, task), 1, true)
    end
    helper.file(name .. ".lua", text)
    assert.equal("f", elsewhere(function(p) return getmetatable(p).f() end, instance))
  end)

  it("gets the message of require where there is none", function()
    helper.file(name .. ".lua", "local M = {} function M.f() end M.__index = M return M")
    local M = require(name)
    lagoon.class(name, M)
    os.remove(helper.path(name .. ".lua"))
    local task = lagoon.parallel(plain(function(p) return p.x end), setmetatable({ x = 1 }, M))
    local message = ("module '%s' not found"):format(name)
    assert.matches(message, helper.error_of(task.wait, task), 1, true)
  end)
end)
