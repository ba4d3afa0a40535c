-- SPDX-License-Identifier: MIT
local helper = require "helper"
local lagoon = require "lagoon"

local n = 0

-- Writes a module; returns its name.
local function write(text, name)
  n = name and n or n + 1
  name = name or ("reload_module_%d"):format(n)
  helper.file(name .. ".lua", text)
  return name
end

-- A module that is loaded, and its name.
local function load(text)
  local name = write(text)
  return require(name), name
end

-- Reloads it with another text.
local function renew(name, text)
  write(text, name)
  return lagoon.reload(name)
end

-- The same, which must succeed.
local function renewed(name, text)
  local report, err = renew(name, text)
  assert.is_nil(err)
  return report
end

local function forget()
  for name in pairs(package.loaded) do
    if type(name) == "string" and name:find("^reload_module") then
      package.loaded[name] = nil
    end
  end
end

describe("reload", function()
  local path

  setup(function()
    path = package.path
    package.path = helper.path("?.lua") .. ";" .. path
  end)

  teardown(function()
    package.path = path
    forget()
  end)

  describe("of functions", function()
    it("replaces those of the module's table, which stays", function()
      local m, name = load "return { f = function() return 'old' end }"
      local report = renewed(name, "return { f = function() return 'new' end }")
      assert.equal("new", m.f())
      assert.equal(m, package.loaded[name])
      assert.equal(m, require(name))
      assert.equal(1, report.replaced)
      assert.same({}, report.added)
      assert.same({}, report.removed)
    end)

    it("replaces them wherever somebody has them", function()
      local m, name = load "return { f = function() return 'old' end }"
      local f = m.f
      local list, keys = { m.f, { deep = m.f } }, { [m.f] = "value" }
      local function call() return f() end
      local held = coroutine.create(function(g)
        coroutine.yield()
        return g()
      end)
      coroutine.resume(held, m.f)
      local gate = lagoon.chan()
      local waiting = helper.parked(lagoon.async(function(g)
        gate:recv()
        return g()
      end, m.f))
      renewed(name, "return { f = function() return 'new' end }")
      assert.equal("new", call())
      assert.equal("new", f())
      assert.equal("new", list[1]())
      assert.equal("new", list[2].deep())
      assert.equal("value", keys[m.f])
      assert.equal("new", select(2, coroutine.resume(held)))
      gate:close()
      assert.equal("new", waiting:wait())
    end)

    it("of two modules at once, whose classes nobody else may give another metatable", function()
      local text = [[
        local Class = { f = function() return '%s' end }
        require("lagoon").class("reload_spec.%s", Class)
        return Class]]
      local a, name_a = load(text:format("old", "A"))
      local b, name_b = load(text:format("old", "B"))
      local gate = lagoon.chan()
      package.loaded.reload_module_gate = gate
      write("require('reload_module_gate'):recv()" .. text:format("new", "A"), name_a)
      local task = helper.parked(lagoon.async(lagoon.reload, name_a))
      assert.matches("class 'reload_spec.A' is already another metatable",
        helper.message_of(function() lagoon.class("reload_spec.A", {}) end))
      renewed(name_b, text:format("new", "B"))
      gate:close()
      local _, err = task:wait()
      assert.is_nil(err)
      package.loaded.reload_module_gate = nil
      assert.equal("new", a.f())
      assert.equal("new", b.f())
    end)

    it("is done again where the one who did it was killed", function()
      local m, name = load "return { f = function() return 'old' end }"
      local gate, before = lagoon.chan(), lagoon.runtime.num_goroutine()
      package.loaded.reload_module_gate = gate
      write("require('reload_module_gate'):recv()", name)
      local group = lagoon.group()
      group:go(lagoon.reload, name)
      helper.settle(function() return helper.waiting("chan receive") == 1 end)
      assert.same({ nil, ("module '%s' is being reloaded"):format(name) },
        { lagoon.reload(name) })
      group:kill()
      helper.settle(function() return lagoon.runtime.num_goroutine() == before end)
      package.loaded.reload_module_gate = nil
      renewed(name, "return { f = function() return 'new' end }")
      assert.equal("new", m.f())
    end)

    it("keeps no class of one that was killed", function()
      local text = [[
        local Class = {}
        require("lagoon").class("reload_spec.Killed", Class)
        local noted = package.loaded.reload_module_noted
        if noted then
          noted[Class] = true
          lagoon.chan():recv()
        end
        return Class]]
      local _, name = load("local lagoon = require 'lagoon'" .. text)
      local noted = setmetatable({}, { __mode = "k" })
      package.loaded.reload_module_noted = noted
      local group = lagoon.group()
      group:go(lagoon.reload, name)
      helper.settle(function() return next(noted) end)
      group:kill()
      package.loaded.reload_module_noted = nil
      helper.settle(function()
        helper.collect()
        return next(noted) == nil
      end, "nobody holds the class")
    end)

    it("replaces them in what has not begun", helper.unpreempted("it must not begin", function()
      local m, name = load "return { f = function() return 'old' end }"
      local function call(g) return g() end
      local tasks = { lagoon.async(m.f), lagoon.async(call, m.f), lagoon.async(pcall, m.f) }
      local fresh = coroutine.create(m.f)
      renewed(name, "return { f = function() return 'new' end }")
      assert.equal("new", tasks[1]:wait())
      assert.equal("new", tasks[2]:wait())
      assert.equal("new", select(2, tasks[3]:wait()))
      assert.equal("new", select(2, coroutine.resume(fresh)))
    end))

    it("replaces local ones that others call, and compiled calls", function()
      local m, name = load [[
        local function helper() return 1 end
        local later
        local M = {}
        function M.sum(n) local s = 0 for _ = 1, n do s = s + helper() + later() end return s end
        function later() return 0 end
        return M]]
      assert.equal(1000, m.sum(1000))
      local sum = m.sum
      renewed(name, [[
        local function helper() return 2 end
        local later
        local M = {}
        function M.sum(n) local s = 0 for _ = 1, n do s = s + helper() + later() end return s end
        function later() return 1 end
        return M]])
      assert.equal(3000, m.sum(1000))
      assert.equal(3000, sum(1000))
    end)

    it("of a module that is one", function()
      local f, name = load "return function() return 'old' end"
      renewed(name, "return function() return 'new' end")
      assert.equal("new", f())
      assert.equal(f, require(name))
    end)

    it("of tables below and of metatables", function()
      local m, name = load [[
        local Enemy = {}
        Enemy.__index = Enemy
        function Enemy.new(hp) return setmetatable({ hp = hp }, Enemy) end
        function Enemy:cry() return "ow " .. self.hp end
        return { Enemy = Enemy, deep = { er = { f = function() return 1 end } } }]]
      local enemy, Enemy, er = m.Enemy.new(7), m.Enemy, m.deep.er
      renewed(name, [[
        local Enemy = {}
        Enemy.__index = Enemy
        Enemy.__tostring = function(self) return "enemy " .. self.hp end
        function Enemy.new(hp) return setmetatable({ hp = hp }, Enemy) end
        function Enemy:cry() return "OW " .. self.hp end
        function Enemy:flee() return "away" end
        return { Enemy = Enemy, deep = { er = { f = function() return 2 end } } }]])
      assert.equal("OW 7", enemy:cry())
      assert.equal("away", enemy:flee())
      assert.equal("enemy 7", tostring(enemy))
      assert.equal(2, er.f())
      assert.equal(Enemy, m.Enemy)
      assert.equal(Enemy, getmetatable(m.Enemy.new(1)))
    end)

    it("tells what is new and what is gone, which stays", function()
      local m, name = load "return { old = function() return 1 end, t = {} }"
      local report = renewed(name, "return { fresh = print, t = { f = print } }")
      table.sort(report.added)
      assert.same({ "fresh", "t.f" }, report.added)
      assert.same({ "old" }, report.removed)
      assert.equal(1, m.old())
      assert.equal(print, m.fresh)
      assert.equal(print, m.t.f)
    end)

    it("leaves alone what another module has put there", function()
      local m, name = load "return { f = function() return 'old' end }"
      local original = m.f
      m.f = function() return "wrapped " .. original() end
      local report = renewed(name, "return { f = function() return 'new' end }")
      assert.matches("^wrapped", m.f())
      assert.same({ "f" }, report.kept)
    end)

    it("of globals that the module has made", function()
      local _, name = load "function reload_global() return 'old' end reload_table = { 1 }"
      local f, t = _G.reload_global, _G.reload_table
      renewed(name, "function reload_global() return 'new' end reload_table = {}")
      assert.equal("new", _G.reload_global())
      assert.equal("new", f())
      assert.equal(t, _G.reload_table)
      assert.equal(1, t[1])
      rawset(_G, "reload_global", nil)
      rawset(_G, "reload_table", nil)
    end)

    it("of a module that calls module()", function()
      local m, name = load "module(..., package.seeall) function f() return 'old' end"
      local f = m.f
      renewed(name, "module(..., package.seeall) function f() return 'new' .. type(print) end")
      assert.equal("newfunction", m.f())
      assert.equal("newfunction", f())
      assert.equal(m, package.loaded[name])
    end)

    it("of modules that require each other", function()
      local a = write ""
      local b = write(("local a = require '%s' return { call = function() return a.f() end }")
        :format(a))
      local text = ("local M = {} package.loaded[...] = M M.b = require '%s'"):format(b)
      write(text .. " function M.f() return 'old' end return M", a)
      local m = require(a)
      assert.equal("old", m.b.call())
      local mb = m.b
      renewed(a, text .. " function M.f() return 'new' end return M")
      assert.equal("new", mb.call())
      assert.equal(mb, m.b)
      assert.equal(m, package.loaded[a])
    end)

    it("may be done again and again, by the module's value too", function()
      local m, name = load "local n = 0 return { f = function() n = n + 1 return n, 0 end }"
      for i = 1, 5 do
        assert.equal(i, (m.f()))
        write(("local n = 0 return { f = function() n = n + 1 return n, %d end }"):format(i), name)
        assert.equal(1, lagoon.reload(m).replaced)
        assert.equal(i, select(2, m.f()))
        renewed(name, "local n = 0 return { f = function() n = n - 1 return n end }")
        assert.equal(i, m.f())
        renewed(name, "local n = 0 return { f = function() n = n + 1 return n end }")
      end
    end)
  end)

  describe("of variables", function()
    it("keeps those that are assigned, and shares them", function()
      local m, name = load [[
        local count = 0
        local M = {}
        function M.up() count = count + 1 end
        function M.get() return count end
        return M]]
      m.up()
      m.up()
      renewed(name, [[
        local count = 0
        local M = {}
        function M.up() count = count + 10 end
        function M.get() return "count", count end
        function M.down() count = count - 1 end
        return M]])
      m.up()
      m.down()
      assert.same({ "count", 11 }, { m.get() })
    end)

    it("gives constants their new values", function()
      local m, name = load [[
        local SPEED, NAME = 10, "old"
        return { get = function() return SPEED, NAME end }]]
      renewed(name, [[
        local SPEED, NAME = 20, "new"
        return { get = function() return SPEED, NAME end }]])
      assert.same({ 20, "new" }, { m.get() })
    end)

    it("keeps tables and channels, whoever has them", function()
      local text = [[
        local lagoon = require "lagoon"
        local entities, events = {}, lagoon.chan(1)
        local M = {}
        function M.add(e) entities[#entities + 1] = e return %d end
        function M.list() return entities end
        function M.events() return events end
        return M]]
      local m, name = load(text:format(1))
      m.add "first"
      local list, events = m.list(), m.events()
      renewed(name, text:format(2))
      assert.equal(2, m.add "second")
      assert.equal(list, m.list())
      assert.equal(events, m.events())
      assert.same({ "first", "second" }, list)
      forget() -- the channel with it
    end)

    it("does not mix a table up with one that was there before", function()
      local other = { f = print }
      package.loaded.reload_module_other = other
      local m, name = load "local t = string return { get = function() return t end }"
      renewed(name, [[
        local t = require "reload_module_other"
        return { get = function() return t end }]])
      assert.equal(other, m.get())
      assert.is_nil(rawget(string, "f"))
    end)

    it("keeps fields of tables, and adds those that are new", function()
      local m, name = load "return { score = 0, config = { a = 1 } }"
      m.score = 42
      renewed(name, "return { score = 0, lives = 3, config = { a = 2, b = 2 } }")
      assert.same({ score = 42, lives = 3, config = { a = 1, b = 2 } }, m)
    end)

    it("gives new functions the old table for their own", function()
      local m, name = load "local M = {} function M.me() return M end return M"
      renewed(name, [[
        local M = { parts = {} }
        M.parts.owner = M
        local function me() return M end
        function M.me() return me() end
        return M]])
      assert.equal(m, m.me())
      assert.equal(m, m.parts.owner)
    end)

    it("keeps a function that the program has chosen", function()
      local text = [[
        local M = {}
        function M.walk() return "walk %s" end
        function M.run() return "run %s" end
        local move = M.walk
        function M.choose(f) move = f end
        function M.move() return move() end
        return M]]
      local m, name = load(text:gsub("%%s", "old"))
      m.choose(m.run)
      renewed(name, (text:gsub("%%s", "new")))
      assert.equal("run new", m.move())
    end)
  end)

  describe("of a class", function()
    it("keeps the metatable and its name", function()
      local text = [[
        local lagoon = require "lagoon"
        local Point = lagoon.class("reload_point", { })
        Point.__index = Point
        function Point:get() return self.x %s end
        return { new = function(x) return setmetatable({ x = x }, Point) end }]]
      local m, name = load(text:gsub("%%s", "+ 0"))
      local point = m.new(1)
      renewed(name, (text:gsub("%%s", "+ 1")))
      assert.equal(2, point:get())
      assert.equal(getmetatable(point), getmetatable(m.new(1)))
      assert.equal(getmetatable(point), lagoon.class("reload_point", getmetatable(point)))
    end)
  end)

  describe("that fails", function()
    it("tells of a syntax error", function()
      local m, name = load "return { f = function() return 'old' end }"
      local report, err = renew(name, "return {")
      assert.is_nil(report)
      assert.matches(name .. ".lua:1:", err)
      assert.equal("old", m.f())
      assert.equal(m, require(name))
    end)

    it("leaves all as it was after an error in the module", function()
      local m, name = load [[
        function reload_global() return "old" end
        return { f = function() return "old" end }]]
      local report, err = renew(name, [[
        function reload_global() return "new" end
        package.loaded[...].f = function() return "new" end
        package.loaded[...].extra = true
        error "no further"]])
      assert.is_nil(report)
      assert.matches("no further", err)
      assert.equal("old", m.f())
      assert.is_nil(m.extra)
      assert.equal("old", _G.reload_global())
      assert.equal(m, require(name))
      rawset(_G, "reload_global", nil)
      assert.equal("better", select(2, pcall(function()
        renewed(name, "return { f = function() return 'better' end }")
        return m.f()
      end)))
    end)

    it("gives the error as it was raised", function()
      local _, name = load "return {}"
      local report, err = renew(name, "error { code = 5 }")
      assert.is_nil(report)
      assert.equal(5, err.code)
    end)

    it("tells of a module that is not loaded, is gone, or is another thing now", function()
      assert.same({ nil, "module 'reload_nowhere' is not loaded" },
        { lagoon.reload "reload_nowhere" })
      local _, name = load "return {}"
      os.remove(helper.path(name .. ".lua"))
      local report, err = lagoon.reload(name)
      assert.is_nil(report)
      assert.matches("not found", err)
      report, err = renew(name, "return function() end")
      assert.is_nil(report)
      assert.matches("was a table and would be a function", err)
    end)

    it("refuses what is not Lua code, or no module", function()
      assert.matches("is not Lua code", select(2, lagoon.reload "lagoon.core"))
      for _, wrong in ipairs { 5, {}, print, true } do
        assert.matches("^bad argument #1 to 'reload'",
          helper.message_of(function() lagoon.reload(wrong) end))
      end
    end)

    it("does not begin while the same module is being reloaded", function()
      local _, name = load "return {}"
      local gate = lagoon.chan()
      package.loaded.reload_module_gate = gate
      write("require('reload_module_gate'):recv() return {}", name)
      local task = lagoon.async(lagoon.reload, name)
      helper.parked(task)
      assert.matches("is being reloaded", select(2, lagoon.reload(name)))
      gate:send(true)
      assert.is_table(task:wait())
      write("return {}", name)
      assert.is_table((lagoon.reload(name)))
      forget()
    end)
  end)

  describe("and goroutines", function()
    it("lists those in old code, and who calls anew gets the new", function()
      local m, name = load [[
        local M = {}
        function M.step(ch) return "old", ch:recv() end
        function M.live(ch, out)
          while ch:recv() do
            out:send(M.say())
          end
        end
        function M.say() return "old" end
        return M]]
      local ch, out = lagoon.chan(), lagoon.chan(1)
      local task = lagoon.async(m.live, ch, out)
      task:name("walker")
      local other = lagoon.async(function() return lagoon.chan():recv(0.01) end)
      helper.parked(task, other)
      ch:send(true)
      assert.equal("old", (out:recv()))
      helper.parked(task)
      local report = renewed(name, [[
        local M = {}
        function M.live() return "another" end
        function M.say() return "new" end
        return M]])
      assert.equal(1, #report.goroutines)
      assert.equal(task:id(), report.goroutines[1].id)
      assert.equal("walker", report.goroutines[1].name)
      assert.matches(name .. "%.lua:4$", report.goroutines[1].where)
      ch:send(true)
      assert.equal("new", (out:recv()))
      assert.equal("another", m.live())
      ch:close()
      task:wait()
      other:wait()
      assert.same({}, lagoon.reload(name).goroutines)
    end)

    it("lists them in coroutines and behind C functions", function()
      local m, name = load [[
        local M = {}
        function M.wait(ch) ch:recv() end
        function M.sort(ch) table.sort({ 3, 2, 1 }, function(a, b) ch:recv() return a < b end) end
        return M]]
      local ch = lagoon.chan()
      local tasks = {
        lagoon.async(function() coroutine.wrap(function() m.wait(ch) end)() end),
        lagoon.async(m.sort, ch),
      }
      helper.parked(unpack(tasks))
      assert.equal(2, #lagoon.reload(name).goroutines)
      ch:close()
      tasks[1]:wait()
      tasks[2]:wait()
    end)
  end)

  describe("and on_reload", function()
    it("has it called with the report, by the new code", function()
      local m, name = load "return { on_reload = function() error 'the old one' end }"
      local report = renewed(name, [[
        local M = {}
        function M.on_reload(report) M.seen = report end
        return M]])
      assert.equal(report, m.seen)
      assert.is_nil(report.hook_error)
    end)

    it("reports its error", function()
      local _, name = load "return {}"
      local report = renewed(name, "return { on_reload = function() error 'in the hook' end }")
      assert.matches("in the hook", report.hook_error)
    end)
  end)

  describe("and tasks", function()
    it("gives them the new code, and keeps what their states have", function()
      local text = [[
        local calls = 0
        return { f = function() calls = calls + 1 return "%s", calls end }]]
      local _, name = load(text:format("old"))
      local run = setfenv(function(module)
        local words, calls = require(module).f()
        return words, calls
      end, getfenv(0))
      local words = lagoon.parallel(run, name):wait()
      assert.equal("old", words)
      renewed(name, text:format("new"))
      for _ = 1, 5 do
        words = lagoon.parallel(run, name):wait()
        assert.equal("new", words)
      end
    end)
  end)
end)
