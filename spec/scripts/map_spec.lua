-- SPDX-License-Identifier: MIT
local helper = require "helper"
local lagoon = require "lagoon"

-- What is sent must not have busted's environment, which cannot be.
local describe, it, assert = describe, it, assert
setfenv(1, _G)

local map = lagoon.map
local settle, parked = helper.settle, helper.parked

local function numbers(n)
  local list = {}
  for i = 1, n do
    list[i] = i
  end
  return list
end

local function message_of(...)
  local args, n = { ... }, select("#", ...)
  return helper.message_of(function()
    local results = map(unpack(args, 1, n))
    return results
  end)
end

describe("lagoon.map", function()
  it("returns the results in order", function()
    assert.same({ 1, 4, 9, 16 }, map({ 1, 2, 3, 4 }, function(x) return x * x end))
    assert.same({ "a1", "b2" }, map({ "a", "b" }, function(item, i) return item .. i end))
  end)

  it("does each item once, however they are shared out", function()
    for _, n in ipairs { 1, 2, 3, 7, 8, 9, 40, 257 } do
      for limit = 1, 4 do
        local results = map(numbers(n), function(x, i) return { x, i } end, { limit = limit })
        assert.equal(n, #results)
        for i = 1, n do
          assert.same({ i, i }, results[i])
        end
      end
    end
  end)

  it("does long lists", function()
    local n = helper.rounds(20000)
    local results = map(numbers(n), function(x) return -x end)
    for i = 1, n do
      if results[i] ~= -i then
        error(i .. ": " .. tostring(results[i]))
      end
    end
    assert.equal(n, #results)
  end)

  it("runs in other states: an item is a copy there, and so is what f captures", function()
    local list, captured = { { n = 1 }, { n = 2 } }, { n = 10 }
    local results = map(list, function(item)
      item.n = item.n + captured.n
      captured.mark = true
      return item
    end)
    assert.same({ { n = 11 }, { n = 12 } }, results)
    assert.same({ { n = 1 }, { n = 2 } }, list)
    assert.same({ n = 10 }, captured)
  end)

  it("keeps nil, holes and false at their places", function()
    local results = map({ 1, 2, 3, 4 }, function(x)
      if x % 2 == 0 then
        return x
      end
    end)
    assert.same({ nil, 2, nil, 4 }, results)
    results = map({ n = 5, nil, false, 3 }, function(item, i) return item == nil and i or item end)
    assert.same({ 1, false, 3, 4, 5, n = 5 }, results)
    assert.same({ n = 3 }, map({ n = 3 }, function() end))
  end)

  it("takes the first result of f only", function()
    assert.same({ 1, 2 }, map({ 1, 2 }, function(x) return x, "more" end))
  end)

  it("takes a frozen list", function()
    local list = lagoon.freeze { 3, { 4 }, 5 }
    assert.same({ 3, 4, 5 }, map(list, function(item)
      return type(item) == "number" and item or item[1]
    end))
  end)

  it("has nothing to do for an empty list", function()
    assert.same({}, map({}, error))
    assert.same({ n = 0 }, map({ n = 0, "unseen" }, error))
  end)

  it("calls builtins and functions of modules", function()
    assert.same({ "1", "true" }, map({ 1, true }, tostring))
    assert.same({ "A", "B" }, map({ "a", "b" }, string.upper))
  end)

  it("blocks only its goroutine, and f may block", function()
    local requests = lagoon.chan()
    lagoon.go(function()
      for request in requests do
        request.reply:send(request.n * 2)
      end
    end)
    local results = map(numbers(20), function(n)
      local reply = lagoon.chan()
      requests:send { n = n, reply = reply }
      return (reply:recv())
    end, { limit = 3 })
    requests:close()
    for i = 1, 20 do
      assert.equal(2 * i, results[i])
    end
  end)

  it("may stand in a task that runs in another state, and in f", function()
    local task = lagoon.parallel(function()
      return lagoon.map({ 1, 2, 3 }, function(x)
        return lagoon.map({ 1, 2 }, function(y) return x * 10 + y end)
      end)
    end)
    assert.same({ { 11, 12 }, { 21, 22 }, { 31, 32 } }, task:wait())
  end)
end)

describe("lagoon.map with a limit", function()
  it("has no more calls at once", function()
    for limit = 1, 3 do
      local inside, most = lagoon.atomic(0), lagoon.atomic(0)
      map(numbers(30), function()
        local n = inside:add(1)
        while most:get() < n do
          most:set(n)
        end
        lagoon.yield()
        inside:add(-1)
      end, { limit = limit })
      assert.is_true(most:get() <= limit)
    end
  end)

  it("has so many at once, if there are items", function()
    local inside = lagoon.atomic(0)
    map(numbers(5), function()
      inside:add(1)
      while inside:get() < 5 do
        lagoon.sleep(0.0001)
      end
    end, { limit = 100 })
    assert.equal(5, inside:get())
    assert.same({ 1 }, map({ 1 }, function(x) return x end, { limit = math.huge }))
  end)
end)

describe("lagoon.map with an error in f", function()
  it("raises the first, the value itself, and cancels the rest", function()
    local calls = lagoon.atomic(0)
    local err = helper.error_of(map, numbers(1000), function(x)
      calls:add(1)
      if x == 1 then
        error { code = 404 }
      end
      lagoon.sleep(1000)
    end, { limit = 3 })
    assert.same({ code = 404 }, err)
    assert.is_true(calls:get() <= 3)
  end)

  it("keeps its traceback", function()
    local function a_culprit() error("in f") end
    local err = helper.error_of(map, { 1 }, function()
      a_culprit()
      return 1
    end)
    assert.matches("map_spec.lua:%d+: in f$", err)
    assert.matches("a_culprit", lagoon.traceback(err))
  end)

  it("ends tasks that never wait at their next item", function()
    local calls = lagoon.atomic(0)
    local n = 100000
    assert.equal("stop", helper.error_of(map, numbers(n), function(x)
      if x == 1 then
        error("stop", 0)
      end
      calls:add(1)
      lagoon.yield()
    end, { limit = 2 }))
    assert.is_true(calls:get() < n - 1)
  end)
end)

describe("lagoon.map that is cancelled", function()
  it("raises the reason when its tasks have ended", function()
    local inside, ended = lagoon.atomic(0), lagoon.atomic(0)
    local task = lagoon.async(map, numbers(10), function()
      inside:add(1)
      local _, err = pcall(lagoon.sleep, 1000)
      ended:add(1)
      error(err, 0)
    end, { limit = 2 })
    settle(function() return inside:get() == 2 end)
    parked(task):cancel("enough")
    assert.equal("enough", helper.error_of(task.wait, task))
    assert.equal("cancelled", task:status())
    assert.equal(2, ended:get())
  end)
end)

describe("lagoon.map with what cannot be sent", function()
  it("names the item", function()
    local list = numbers(50)
    list[37] = { log = coroutine.create(function() end) }
    assert.matches("cannot send a coroutine %(at item #37%.log%) to another Lua state",
      message_of(list, function(x) return x end))
    list[37] = coroutine.create(function() end)
    assert.matches("cannot send a coroutine %(at item #37%)",
      message_of(list, function(x) return x end))
  end)

  it("names the result", function()
    local err = helper.error_of(map, numbers(50), function(x)
      return x == 42 and { log = coroutine.create(function() end) } or x
    end)
    assert.matches("cannot send a coroutine %(at result #42%.log%) to another Lua state", err)
  end)

  it("refuses f, and calls nothing", function()
    local n = 0
    assert.matches("variable 'n'", message_of({ 1 }, function() n = n + 1 end))
    assert.equal(0, n)
    local log = coroutine.create(function() end)
    assert.matches("cannot send a coroutine %(at argument #2, upvalue 'log'%)",
      message_of({ 1 }, function() return log end))
  end)
end)

describe("lagoon.map with arguments that make no sense", function()
  it("is refused", function()
    local function f() end
    assert.matches("bad argument #1 to 'map' %(table expected, got nil%)", message_of(nil, f))
    assert.matches("bad argument #1 to 'map' %(table expected, got string%)", message_of("ab", f))
    for _, n in ipairs { -1, 1.5, 0 / 0, math.huge, 1e15 } do
      assert.matches("bad argument #1 to 'map' %(n must be a whole number from 0 to 134217728, got",
        message_of({ n = n }, f))
    end
    assert.matches("bad argument #2 to 'map' %(function expected, got nil%)", message_of({}))
    assert.matches("bad argument #2 to 'map' %(function expected, got table%)", message_of({}, {}))
    assert.matches("bad argument #3 to 'map' %(table expected, got number%)", message_of({}, f, 2))
    assert.matches("bad argument #3 to 'map' %(limit must be a whole number from 1 to 2147483647, "
      .. "got 0%)", message_of({}, f, { limit = 0 }))
  end)
end)
