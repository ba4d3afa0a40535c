-- SPDX-License-Identifier: MIT
local helper = require "helper"
local lagoon = require "lagoon"

local parallel = helper.parallel
local nan, huge = 0 / 0, math.huge

-- Long enough that it is compiled.
local function each_way(f)
  for _ = 1, 150 do
    f()
  end
end

local function live_bytes()
  lagoon.runtime.gc()
  return lagoon.runtime.stats().gc.live_bytes
end

local function contents(map)
  local found = {}
  for key, value in map:pairs() do
    assert.is_nil(found[key])
    found[key] = value
  end
  return found
end

lagoon.runtime.gc() -- the collector's goroutines, which stay

describe("shared_map", function()
  it("is empty at first", function()
    local map = lagoon.shared_map()
    assert.equal(0, #map)
    assert.equal(0, map:len())
    each_way(function()
      assert.is_nil(map:get("a"))
      assert.is_nil(map:get(1))
      assert.is_nil(map:get(true))
    end)
    assert.same({}, contents(map))
  end)

  it("gives what was set, until nil is", function()
    local map = lagoon.shared_map()
    each_way(function()
      for _, key in ipairs { "a", "", "a\0b", ("k"):rep(254), ("k"):rep(255), ("k"):rep(256),
        ("k"):rep(5000), 1, 1.5, -1, 2 ^ 60, huge, -huge, 0, true, false } do
        for _, value in ipairs { 1, -0.5, huge, true, false, 0 } do
          map:set(key, value)
          assert.equal(value, map:get(key))
          assert.equal(1, #map)
        end
        map:set(key, nil)
        assert.is_nil(map:get(key))
        map:set(key)
        assert.equal(0, map:len())
      end
    end)
  end)

  it("tells keys apart as a table does", function()
    local map = lagoon.shared_map()
    map:set(1, "number")
    map:set("1", "string")
    map:set(true, "boolean")
    map:set("true", "name")
    map:set("t", "letter")
    map:set(1.0, "same number")
    map:set(0, "zero")
    assert.equal("zero", map:get(-0))
    map:set(-0, "minus zero")
    assert.equal("minus zero", map:get(0))
    assert.same({ [1] = "same number", ["1"] = "string", [true] = "boolean", ["true"] = "name",
      t = "letter", [0] = "minus zero" }, contents(map))
    for key in map:pairs() do
      assert.is_true(key ~= 0 or 1 / key == huge)
    end
  end)

  it("keeps NaN as a value", function()
    local map = lagoon.shared_map()
    each_way(function()
      map:set("nan", nan)
      local got = map:get("nan")
      assert.is_true(got ~= got)
      assert.equal(1, map:update("nan", function(old) return old ~= old and 1 or 2 end))
      map:set("nan", nan)
      local sum = map:add("nan", 1)
      assert.is_true(sum ~= sum)
    end)
  end)

  it("copies what it is given and what it gives", function()
    local map, list = lagoon.shared_map(), { 1, { "two" } }
    map:set("list", list)
    list[1] = "changed"
    local copy = map:get("list")
    assert.same({ 1, { "two" } }, copy)
    copy[2][1] = "changed"
    assert.same({ 1, { "two" } }, map:get("list"))
    map:set("text", ("text"):rep(1000))
    assert.equal(("text"):rep(1000), map:get("text"))
    map:set("f", setfenv(function(n) return n + 1 end, getfenv(0)))
    assert.equal(3, map:get("f")(2))
    each_way(function()
      assert.equal("two", map:get("list")[2][1])
    end)
  end)

  it("holds objects that are shared: the same ones come out", function()
    local map = lagoon.shared_map()
    local ch, mutex, atomic = lagoon.chan(1), lagoon.mutex(), lagoon.atomic(5)
    map:set("ch", ch)
    map:set("objects", { mutex, atomic, map, lagoon.buffer("bytes") })
    assert.equal(ch, map:get("ch"))
    local objects = map:get("objects")
    assert.equal(mutex, objects[1])
    assert.equal(atomic, objects[2])
    assert.equal(map, objects[3])
    assert.equal("bytes", objects[4]:string())
    assert.equal(objects[4], map:get("objects")[4])
    ch:send { 1 }
    assert.same({ 1 }, map:get("ch"):recv())
  end)

  it("takes a buffer that is moved into it", function()
    local map, buf = lagoon.shared_map(), lagoon.buffer("bytes")
    map:set("buffer", buf:move())
    assert.has_error(function() buf:string() end)
    assert.equal("bytes", map:get("buffer"):string())
    assert.equal(map:get("buffer"), map:get("buffer"))
  end)

  it("adds to numbers, from 0 on", function()
    local map, sum = lagoon.shared_map(), 0
    each_way(function()
      sum = sum + 0.5
      assert.equal(sum, map:add("sum", 0.5))
      assert.equal(sum, map:add(1, 0.5))
      assert.equal(sum, map:add(true, 0.5))
      assert.equal(sum, map:add(("long"):rep(100), 0.5))
    end)
    assert.equal(sum, map:get("sum"))
    map:set("text", "1")
    map:set("boolean", false)
    assert.equal("attempt to add to a string in a shared map",
      helper.message_of(function() map:add("text", 1) end))
    assert.equal("attempt to add to a boolean in a shared map",
      helper.message_of(function() map:add("boolean", 1) end))
    assert.equal("bad argument #2 to 'add' (a number expected, got string)",
      helper.message_of(function() map:add("sum", "1") end))
    assert.equal("1", map:get("text"))
  end)

  it("goes through all pairs", function()
    local map, expected = lagoon.shared_map(), {}
    for i = 1, 500 do
      map:set(i, i * 2)
      map:set("key " .. i, { i })
      expected[i], expected["key " .. i] = i * 2, { i }
    end
    assert.equal(1000, #map)
    assert.same(expected, contents(map))
  end)

  it("may be changed while it is gone through: what stays is met once", function()
    local map, seen = lagoon.shared_map(), {}
    for i = 1, 300 do
      map:set(i, i)
    end
    local at = 1000
    for key, value in map:pairs() do
      assert.is_nil(seen[key])
      seen[key] = value
      if key % 2 == 0 and key <= 300 then
        map:set(key, nil)
      end
      if at < 3000 then
        map:set(at, at)
        at = at + 1
      end
    end
    for i = 1, 299, 2 do
      assert.equal(i, seen[i])
    end
    for i = 2, 300, 2 do
      assert.is_nil(map:get(i))
    end
  end)

  it("ends a loop, and an iterator is not hurt by being called on", function()
    local map = lagoon.shared_map()
    map:set(1, 2)
    local iterate = map:pairs()
    assert.same({ 1, 2 }, { iterate() })
    assert.is_nil((iterate()))
    assert.is_nil((iterate()))
    assert.is_nil((iterate("anything", 1)))
  end)

  it("tells its length as text", function()
    local map = lagoon.shared_map()
    map:set(1, 1)
    assert.matches("^shared map: 0x%x+ %(1 keys?%)$", tostring(map))
  end)

  it("refuses keys that are none", function()
    local map = lagoon.shared_map()
    local function each_method(f)
      f("get", function(...) return map:get(...) end)
      f("set", function(key) map:set(key, 1) end)
      f("add", function(key) return map:add(key, 1) end)
      f("update", function(key) return map:update(key, function() return 1 end) end)
    end
    each_method(function(name, call)
      for type, key in pairs { table = {}, channel = lagoon.chan(), ["function"] = print } do
        local expected = "a string, number or boolean as key expected, got " .. type
        assert.equal(("bad argument #1 to '%s' (%s)"):format(name, expected),
          helper.message_of(function() call(key) end))
      end
      assert.matches("got n", helper.message_of(function() call() end))
      assert.equal(("bad argument #1 to '%s' (a key expected, got NaN)"):format(name),
        helper.message_of(function() call(nan) end))
    end)
    assert.equal(0, #map)
  end)

  it("refuses values that cannot be sent, and keeps what it had", function()
    local map = lagoon.shared_map()
    map:set("key", "value")
    assert.equal("cannot send a file (at [2].log) to another Lua state",
      helper.message_of(function() map:set("key", { 1, { log = io.stdout } }) end))
    assert.has_error(function()
      map:update("key", function() return coroutine.create(print) end)
    end)
    assert.equal("value", map:get("key"))
  end)

  it("refuses to be something else", function()
    local map = lagoon.shared_map()
    for _, name in ipairs { "get", "set", "update", "add", "len", "pairs" } do
      assert.matches("^calling '%a+' on bad self %(shared map expected, got channel%)$",
        helper.message_of(function() map[name](lagoon.chan(), 1, print) end))
      assert.matches("got no value", helper.message_of(function() map[name]() end))
    end
    local iterate = map:pairs()
    getmetatable(map).__gc(map)
    for _, name in ipairs { "get", "set", "update", "add", "len", "pairs" } do
      assert.matches("on a dead shared map$",
        helper.message_of(function() map[name](map, 1, print) end))
    end
    assert.is_nil((iterate()))
    assert.matches("dead", tostring(map))
  end)
end)

describe("update", function()
  it("replaces what is there by what a function makes of it", function()
    local map = lagoon.shared_map()
    each_way(function()
      assert.equal("nil", map:update("key", tostring))
      assert.equal("nil", map:get("key"))
      assert.is_nil(map:update("key", function() end))
      assert.equal(0, #map)
      assert.is_nil(map:update("key", function(old) assert(old == nil) end))
    end)
    local list = map:update("list", function() return { 1 } end)
    map:update("list", function(old)
      old[2] = 2
      return old
    end)
    assert.same({ 1 }, list)
    assert.same({ 1, 2 }, map:get("list"))
    map:set("callable", 1)
    assert.equal(2, map:update("callable", setmetatable({}, {
      __call = function(_, old) return old + 1 end })))
    for _, value in ipairs { true, false } do
      map:set("flag", value)
      assert.equal(not value, map:update("flag", function(old) return not old end))
    end
  end)

  it("leaves all as it was if the function raises", function()
    local map, reason = lagoon.shared_map(), {}
    map:set("key", { 1 })
    assert.equal(reason, helper.error_of(function()
      map:update("key", function() error(reason) end)
    end))
    assert.same({ 1 }, map:get("key"))
  end)

  it("begins again if another was faster", function()
    for _, values in ipairs { { 1, 2, 3 }, { true, false, true }, { nil, "x", "y" },
      { { 1 }, { 1 }, { 1 } }, { "a", "a", "b" } } do
      local map, calls = lagoon.shared_map(), 0
      map:set("key", values[1])
      map:update("key", function(old)
        calls = calls + 1
        assert.same(values[calls], old)
        if calls < 3 then
          map:set("key", values[calls + 1])
        end
        return "done"
      end)
      assert.equal(3, calls)
      assert.equal("done", map:get("key"))
    end
  end)

  it("gives a buffer back that it could not store", function()
    local map, buf, calls = lagoon.shared_map(), lagoon.buffer("bytes"), 0
    map:update("key", function()
      calls = calls + 1
      if calls == 1 then
        map:set("key", 1)
      end
      return buf:move()
    end)
    assert.equal(2, calls)
    assert.equal("bytes", map:get("key"):string())
    assert.has_error(function() buf:string() end)
  end)

  it("may wait, and may update the same map", function()
    local map = lagoon.shared_map()
    local tasks = {}
    for i = 1, 20 do
      tasks[i] = lagoon.async(function()
        map:update("list", function(old)
          old = old or {}
          lagoon.yield()
          old[#old + 1] = i
          map:update("calls", function(calls) return (calls or 0) + 1 end)
          return old
        end)
      end)
    end
    for i = 1, 20 do
      tasks[i]:wait()
    end
    assert.equal(20, #map:get("list"))
    assert.is_true(map:get("calls") >= 20)
  end)

  it("refuses what cannot be called", function()
    local map = lagoon.shared_map()
    assert.equal("bad argument #2 to 'update' (function expected, got number)",
      helper.message_of(function() map:update("key", 1) end))
    assert.equal(0, #map)
  end)
end)

describe("a shared map's memory", function()
  it("is collected, also if it holds itself", function()
    local before = live_bytes()
    for _ = 1, helper.rounds(30) do
      local map, ch = lagoon.shared_map(), lagoon.chan(1)
      map:set("self", map)
      map:set("buffer", lagoon.buffer(200000))
      map:set("ch", ch)
      ch:send { map }
    end
    lagoon.chan(1):send(1, 1) -- a goroutine keeps its last message
    helper.settle(function() return live_bytes() < before + 1000000 end)
  end)

  it("does not grow while the same keys come and go", function()
    local map = lagoon.shared_map()
    local function churn(n)
      for i = 1, n do
        map:set(i % 100, { i, "text" })
        map:set("key " .. i % 100, i)
        map:set(i % 50, nil)
      end
    end
    churn(helper.rounds(1000))
    local before = live_bytes()
    churn(helper.rounds(20000))
    helper.settle(function() return live_bytes() < before + 300000 end)
  end)

  it("keeps what is read while others replace it", function()
    local map, random = lagoon.shared_map(), helper.random(5)
    map:set("key", { "text", 0 })
    local done = lagoon.atomic()
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = parallel(function()
        while done:get() == 0 do
          for _ = 1, 10 do
            local value = map:get("key")
            assert(value[1] == "text" and #value == 2)
          end
          lagoon.yield()
        end
      end)
    end
    for i = 1, helper.rounds(3000) do
      map:set("key", { "text", i })
      if random(100) == 1 then
        lagoon.runtime.gc()
      end
    end
    done:set(1)
    for i = 1, 3 do
      tasks[i]:wait()
    end
  end)
end)

describe("between states", function()
  it("an atomic, a map and its objects are the same ones", function()
    local map, atomic = lagoon.shared_map(), lagoon.atomic(1)
    map:set("atomic", atomic)
    local other_map, other_atomic = parallel(function()
      local same = map:get("atomic")
      same:add(1)
      map:set("seen", same:get())
      return map, same
    end):wait()
    assert.equal(map, other_map)
    assert.equal(atomic, other_atomic)
    assert.equal(2, atomic:get())
    assert.equal(2, map:get("seen"))
  end)

  it("counts add up, however many count at once", function()
    local n, ntasks = helper.rounds(3000), 6
    local map, atomic, tasks = lagoon.shared_map(), lagoon.atomic(), {}
    for me = 1, ntasks do
      tasks[me] = parallel(function(seed)
        local state = seed
        for _ = 1, n do
          state = state * 16807 % 2147483647
          atomic:add(1)
          map:add("sum", 1)
          map:add(state % 10, 1)
          map:update("number", function(old) return (old or 0) + 1 end)
          map:update("table", function(old)
            old = old or { n = 0 }
            old.n = old.n + 1
            return old
          end)
          local seen = atomic:get()
          while not atomic:cas(seen, seen + 1) do
            seen = atomic:get()
          end
        end
      end, helper.seed() + me)
    end
    for me = 1, ntasks do
      tasks[me]:wait()
    end
    local total = n * ntasks
    assert.equal(2 * total, atomic:get())
    assert.equal(total, map:get("sum"))
    assert.equal(total, map:get("number"))
    assert.same({ n = total }, map:get("table"))
    local sum = 0
    for i = 0, 9 do
      sum = sum + (map:get(i) or 0)
    end
    assert.equal(total, sum)
  end)

  it("keys come and go, and loops go over what stays", function()
    local n, ntasks = helper.rounds(400), 4
    local map, tasks = lagoon.shared_map(), {}
    for i = 1, 50 do
      map:set("stays " .. i, i)
    end
    for me = 1, ntasks do
      tasks[me] = parallel(function()
        for round = 1, n do
          local key = "goes " .. me .. " " .. round
          map:set(key, { round })
          assert(map:get(key)[1] == round)
          if round % 20 == 0 then
            local stayed, seen = 0, {}
            for k, v in map:pairs() do
              assert(not seen[k])
              seen[k] = true
              if type(v) == "number" then
                stayed = stayed + 1
              end
            end
            assert(stayed == 50, stayed)
          end
          map:set(key, nil)
        end
      end)
    end
    for me = 1, ntasks do
      tasks[me]:wait()
    end
    assert.equal(50, #map)
  end)
end)
