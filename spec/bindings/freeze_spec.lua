-- SPDX-License-Identifier: MIT
local helper = require "helper"
local lagoon = require "lagoon"

lagoon.runtime.gc() -- the first cycle starts the collector's goroutines, which stay

local freeze, thaw, message_of = lagoon.freeze, lagoon.thaw, helper.message_of

-- So many reads make a small table warm, and one of many values cold when the interpreter does
-- them (bindings/frozen.c).
local OFTEN = 400

local function count(t)
  local n = 0
  for _ in lagoon.pairs(t) do
    n = n + 1
  end
  return n
end

local function read_often(t, key)
  local value
  for _ = 1, OFTEN do
    value = t[key]
  end
  return value
end

describe("freeze", function()
  it("keeps what is in a table", function()
    local f = freeze { 1, "two", false, x = -0.5, ["a key"] = "", [true] = 1, [false] = 0,
      [1.5] = "half", [-1] = "minus", [0] = "zero", [2 ^ 40] = "far", [1 / 0] = "endless" }
    for _ = 1, OFTEN do
      assert(f[1] == 1 and f[2] == "two" and f[3] == false and f[4] == nil)
      assert(f.x == -0.5 and f["a key"] == "" and f[true] == 1 and f[false] == 0)
      assert(f[1.5] == "half" and f[-1] == "minus" and f[0] == "zero" and f[-0] == "zero")
      assert(f[2 ^ 40] == "far" and f[1 / 0] == "endless" and f[-1 / 0] == nil)
      assert(f.y == nil and f["1"] == nil and f[0 / 0] == nil and f[{}] == nil and f[f] == nil)
      assert(f[""] == nil and f[print] == nil and #f == 3)
    end
  end)

  it("keeps numbers and integers exactly", function()
    local values = { 0 / 0, -0, 1 / 0, -1 / 0, 2 ^ 53, -2 ^ 1023, -1.5 * 2 ^ 1023, 5e-324, -1e-300,
      1LL, -2 ^ 63 * 1LL, 0xffffffffffffffffULL }
    local f = freeze(values)
    for _ = 1, 2 do
      assert.is_true(f[1] ~= f[1])
      assert.equal(-1 / 0, 1 / f[2])
      for i = 3, #values do
        assert.equal(values[i], f[i])
        assert.equal(type(values[i]), type(f[i]))
      end
      assert.equal("18446744073709551615ULL", tostring(f[12]))
      read_often(f, 1)
    end
  end)

  it("keeps long and odd strings, as keys, too", function()
    local long = ("0123456789"):rep(100000)
    local f = freeze { long, [long] = "long", ["\0"] = "nul", ["a\0b"] = 1, ["a\0c"] = 2, a = 3 }
    assert.equal(long, f[1])
    assert.equal("long", f[long])
    assert.equal("nul", f["\0"])
    assert.equal(1, f["a\0b"])
    assert.equal(2, f["a\0c"])
    assert.equal(3, f.a)
    assert.is_nil(f[long .. "0"])
  end)

  it("finds each of many keys", function()
    for _, n in ipairs { 7, 8, 9, 16, 17, 64, 65, 1000, 30000 } do
      local t = {}
      for i = 1, n do
        t["key" .. i], t[-i] = i, "v" .. i
      end
      local f = freeze(t)
      for i = 1, n do
        assert(f["key" .. i] == i and f[-i] == "v" .. i, i)
      end
      assert(f["key0"] == nil and f["key" .. n + 1] == nil and f[-n - 1] == nil and f[1] == nil)
      assert.equal(2 * n, count(f))
    end
  end)

  it("keeps holes and borders as the table has them", function()
    local holes = { 1, 2, nil, 4, nil, nil, 7 }
    local f = freeze(holes)
    assert.equal(#holes, #f)
    for i = 0, 8 do
      assert.equal(holes[i], f[i])
    end
    local sparse = {}
    for i = 0, 25 do
      sparse[2 ^ i] = i -- a border may be far out
    end
    f = freeze(sparse)
    assert.equal(#sparse, #f)
    for i = 0, 25 do
      assert.equal(i, f[2 ^ i])
    end
    assert.is_nil(f[3])
    assert.equal(0, #freeze {})
    assert.equal(0, #freeze { [0] = 1, x = 2 })
  end)

  it("does not see later changes", function()
    local inner = { 1 }
    local t = { inner = inner, n = 1 }
    local f = freeze(t)
    t.n, inner[1], t.new = 2, 2, true
    assert.equal(1, f.n)
    assert.equal(1, f.inner[1])
    assert.is_nil(f.new)
  end)

  it("gives a frozen table back, and takes it in by reference", function()
    local a = freeze { x = 1 }
    assert.equal(a, freeze(a))
    local b = freeze { a = a, list = { a } }
    assert.equal(a, b.a)
    assert.is_true(rawequal(a, b.list[1]))
  end)

  it("takes objects that are shared", function()
    local ch, mutex = lagoon.chan(1), lagoon.mutex()
    ch:send { "waited" }
    local f = freeze { ch = ch, locks = { mutex, mutex } }
    assert.equal(ch, f.ch)
    assert.equal(mutex, f.locks[1])
    assert.equal(f.locks[1], f.locks[2])
    assert.equal("waited", f.ch:recv()[1])
    f.locks[1]:lock()
    assert.is_false(mutex:try_lock())
    mutex:unlock()
  end)

  it("is no table, and says so", function()
    local f = freeze {}
    assert.equal("userdata", type(f))
    assert.matches("^frozen table: 0x%x+$", tostring(f))
    assert.equal(tostring(f), tostring(f))
    assert.is_not.equal(tostring(f), tostring(freeze {}))
    assert.has_error(function() setmetatable(f, {}) end)
    assert.has_error(function() rawset(f, 1, 2) end)
    assert.has_error(function() rawget(f, 1) end)
    assert.equal("string", type(getmetatable(f)))
  end)
end)

describe("a frozen table", function()
  it("refuses to be changed", function()
    local many = {}
    for i = 1, 100 do
      many[i] = i
    end
    for _, f in ipairs { freeze { x = 1 }, freeze(many) } do
      for _ = 1, 2 do
        assert.equal("attempt to modify a frozen table (field 'x')",
          message_of(function() f.x = 2 end))
        assert.equal("attempt to modify a frozen table (field 'new')",
          message_of(function() f.new = 2 end))
        assert.equal("attempt to modify a frozen table (index 1)",
          message_of(function() f[1] = nil end))
        assert.equal("attempt to modify a frozen table (index 1.5)",
          message_of(function() f[1.5] = 1 end))
        assert.equal("attempt to modify a frozen table (frozen table as index)",
          message_of(function() f[f] = 1 end))
        read_often(f, 1)
      end
    end
  end)

  it("is the same userdata as long as one is alive", function()
    local f = freeze { a = { b = {} } }
    local a = f.a
    assert.equal(a, f.a)
    assert.is_true(rawequal(a.b, f.a.b))
    local seen = { [f.a.b] = true }
    collectgarbage()
    assert.is_true(seen[f.a.b])
    read_often(f, "a")
    assert.equal(a, f.a)
    assert.is_not.equal(freeze { 1 }, freeze { 1 })
  end)

  it("keeps cycles and what is shared", function()
    local t, inner = { name = "t" }, { name = "inner" }
    t.self, t.inner, inner.back, t.list = t, inner, t, { inner, inner, t }
    local f = freeze(t)
    for _ = 1, 2 do
      assert.equal(f, f.self)
      assert.equal(f, f.self.self.inner.back)
      assert.equal(f.inner, f.list[1])
      assert.equal(f.list[1], f.list[2])
      assert.equal(f, f.list[3])
      read_often(f, "self")
      read_often(f.inner, "back")
    end
  end)

  it("stays whole when only an inner one is held", function()
    local inner = freeze({ deep = { deeper = { "value", up = {} } } }).deep.deeper
    lagoon.runtime.gc()
    lagoon.runtime.gc()
    assert.equal("value", inner[1])
    assert.equal(0, #inner.up)
  end)

  it("may be a million deep", function()
    local n = math.min(helper.rounds(1000000), 1000000)
    local t = { depth = 0 }
    for i = 1, n do
      t = { depth = i, next = t }
    end
    local f = freeze(t)
    local at, steps = f, 0
    while at.next do
      at, steps = at.next, steps + 1
    end
    assert.equal(n, steps)
    assert.equal(0, at.depth)
    local plain = thaw(f)
    for i = n, 1, -1 do
      assert(plain.depth == i)
      plain = plain.next
    end
    assert.is_nil(plain.next)
  end)
end)

describe("freeze refuses", function()
  local function refusal(t)
    return message_of(function() freeze(t) end)
  end

  it("what is no table", function()
    assert.equal("bad argument #1 to 'freeze' (table expected, got number)", refusal(5))
    assert.equal("bad argument #1 to 'freeze' (table expected, got nil)", refusal(nil))
    assert.equal("bad argument #1 to 'freeze' (table expected, got channel)",
      refusal(lagoon.chan()))
  end)

  it("what cannot be frozen, and tells where it is", function()
    local log = { 1, 2, print }
    assert.equal("cannot freeze a function (at .conf.log[3])", refusal { conf = { log = log } })
    assert.equal("cannot freeze a coroutine (at [1])", refusal { coroutine.create(print) })
    assert.equal("cannot freeze a file (at .file)", refusal { file = io.stdout })
    assert.equal("cannot freeze a cdata (at [\"a b\"])",
      refusal { ["a b"] = require("ffi").new("int[1]") })
    assert.equal("cannot freeze a cond (at [1.5])",
      refusal { [1.5] = lagoon.cond(lagoon.mutex()) })
    assert.equal("cannot freeze a function (at [true][false])",
      refusal { [true] = { [false] = print } })
  end)

  it("keys that are no strings, numbers or booleans", function()
    assert.equal("cannot freeze a table with a table for a key", refusal { [{}] = 1 })
    assert.equal("cannot freeze a table with a function for a key (at .a[2])",
      refusal { a = { 0, { [print] = 1 } } })
    assert.equal("cannot freeze a table with a cdata for a key", refusal { [1LL] = 1 })
  end)

  it("metatables", function()
    local object = setmetatable({}, { __index = {} })
    assert.equal("cannot freeze a table with a metatable", refusal(object))
    assert.equal("cannot freeze a table with a metatable (at .list[2])",
      refusal { list = { 1, object } })
  end)

  it("with a path that stays short", function()
    local t = { print }
    for _ = 1, 100000 do
      t = { next = t }
    end
    assert.equal("cannot freeze a function (at .next.next.next....next.next.next.next.next[1])",
      refusal(t))
    local name = ("n"):rep(1000)
    assert.equal("cannot freeze a function (at [\"" .. ("n"):rep(36) .. "...\"])",
      refusal { [name] = print })
  end)

  it("and leaves nothing behind", function()
    local ch = lagoon.chan(1)
    local value = {}
    ch:send(value)
    refusal { ch = ch, bad = { { { print } } } }
    assert.equal(value, ch:recv()) -- it is still this state's own
  end)
end)

-- The module's: a host has Lua's for its globals.
describe("pairs and ipairs", function()
  local pairs, ipairs = lagoon.pairs, lagoon.ipairs

  local function collect(iterate, t)
    local list = {}
    for k, v in iterate(t) do
      list[#list + 1] = tostring(k) .. "=" .. tostring(v)
    end
    return table.concat(list, " ")
  end

  local function shuffled()
    local t = { 10, 20, nil, 40, x = 1, y = 2, [-1] = 3, [true] = false }
    for i = 1, 20 do
      t["k" .. i] = i
    end
    return t
  end

  it("go through frozen tables as through the tables that were frozen", function()
    for _, t in ipairs { {}, { 1 }, { 1, 2, 3 }, { x = 1 }, shuffled(), { nil, nil, 3 } } do
      local f = freeze(t)
      for _ = 1, 2 do
        assert.equal(collect(pairs, t), collect(pairs, f))
        assert.equal(collect(ipairs, t), collect(ipairs, f))
        read_often(f, 1)
      end
    end
  end)

  if helper.is_hosted() then
    it("leave a host's globals as Lua has them", function()
      for name, ours in _G.pairs { pairs = pairs, ipairs = ipairs } do
        local global = _G[name]
        assert.is_not.equal(ours, global)
        assert.equal("C", debug.getinfo(global, "S").what)
        assert.equal("1=one", collect(global, { "one" }))
        assert.matches("table expected, got userdata",
          message_of(function() collect(global, freeze { "one" }) end))
      end
    end)
  else
    it("are the globals in the program", function()
      assert.equal(pairs, _G.pairs)
      assert.equal(ipairs, _G.ipairs)
    end)
  end

  it("are the globals in tasks", function()
    assert.is_true((helper.parallel(function()
      local module = require "lagoon"
      return rawequal(module.pairs, _G.pairs) and rawequal(module.ipairs, _G.ipairs)
    end):wait()))
  end)

  it("give the plain iterators for plain tables", function()
    local t = {}
    local f, s, v = pairs(t)
    assert.equal(next, f)
    assert.equal(t, s)
    assert.is_nil(v)
    assert.equal(3, select("#", pairs(t)))
    f, s, v = ipairs(t)
    assert.equal(ipairs {}, f)
    assert.equal(t, s)
    assert.equal(0, v)
  end)

  it("may serve plain and frozen tables in the same loop", function()
    local plain = { 1, 2, x = 3 }
    local frozen = freeze(plain)
    for i = 1, 1000 do
      local sum = 0
      for _, v in pairs(i % 3 == 0 and frozen or plain) do
        sum = sum + v
      end
      for _, v in ipairs(i % 5 == 0 and frozen or plain) do
        sum = sum + v
      end
      assert(sum == 9)
    end
  end)

  it("refuse what is no table as ever", function()
    local function drop() end
    assert.equal("bad argument #1 to 'pairs' (table expected, got nil)",
      message_of(function() drop(pairs(nil)) end))
    assert.equal("bad argument #1 to 'ipairs' (table expected, got number)",
      message_of(function() drop(ipairs(5)) end))
    assert.matches("table expected, got userdata",
      message_of(function() drop(pairs(io.stdout)) end))
    assert.matches("table expected, got userdata",
      message_of(function() drop(pairs(lagoon.chan())) end))
  end)

  it("refuse keys that are not there", function()
    local f = freeze { x = 1 }
    local step = pairs(f)
    assert.equal("invalid key to 'next'", message_of(function() step(f, "y") end))
    assert.equal("invalid key to 'next'", message_of(function() step(f, {}) end))
    assert.equal("x", (step(f)))
    assert.is_nil((step(f, "x")))
    assert.matches("frozen table expected, got table", message_of(function() step {} end))
  end)
end)

describe("thaw", function()
  it("makes a plain deep copy", function()
    local t = { 1, nil, "three", list = { true, false }, big = 1LL }
    t.self, t.again = t, t.list
    local copy = thaw(freeze(t))
    assert.equal("table", type(copy))
    assert.equal(1, copy[1])
    assert.equal("three", copy[3])
    assert.is_true(rawequal(copy, copy.self))
    assert.is_true(rawequal(copy.list, copy.again))
    assert.same({ true, false }, copy.list)
    assert.equal(1LL, copy.big)
    copy.list[1] = "changed"
  end)

  it("keeps objects that are shared", function()
    local ch = lagoon.chan()
    assert.equal(ch, thaw(freeze { ch = ch }).ch)
  end)

  it("refuses what is not frozen", function()
    assert.equal("bad argument #1 to 'thaw' (frozen table expected, got table)",
      message_of(function() thaw {} end))
    assert.equal("bad argument #1 to 'thaw' (frozen table expected, got nil)",
      message_of(function() thaw(nil) end))
  end)
end)

describe("what is read often", function()
  local function sum_fields(t, n)
    local sum = 0
    for i = 1, n do
      sum = sum + t.x + (t.none or 0) + t.list[i % 3 + 1]
    end
    return sum
  end

  -- Interpreted and compiled, and back.
  local function both(f, ...)
    local results = {}
    for i = 1, 4 do
      if i % 2 == 0 then
        jit.on(f, true)
      else
        jit.off(f, true)
      end
      results[i] = f(...)
    end
    for i = 2, 4 do
      assert.equal(results[1], results[i])
    end
    return results[1]
  end

  it("is the same, interpreted and compiled", function()
    local t = { x = 1, list = { 1, 2, 3 } }
    assert.equal(sum_fields(t, 3000), both(sum_fields, freeze(t), 3000))
  end)

  it("is the same where there are many values of all types", function()
    local t = { t = true, f = false, s = "text", inner = { 1 }, low = -2 ^ 1023, nan = 0 / 0 }
    for i = 1, 1000 do
      t[i], t["k" .. i] = i, -i
    end
    local f = freeze(t)
    local function check(n)
      local sum = 0
      for i = 1, n do
        local at = i % 1000 + 1
        sum = sum + f[at] + f["k" .. at]
        if not (f.t == true and f.f == false and f.s == "text" and f.inner[1] == 1
            and f.low == -2 ^ 1023 and f.nan ~= f.nan and f.no == nil and f[1001] == nil
            and f[1.5] == nil and f[true] == nil and f[-1] == nil) then
          error("wrong at " .. i)
        end
      end
      return sum
    end
    assert.equal(0, both(check, 3000))
    assert.equal(0, check(20000)) -- long enough to be tried again
  end)

  it("may be more than a state keeps plain copies of", function()
    local t = {}
    for i = 1, 3000 do
      t[i] = {}
      for k = 1, 40 do
        t[i][k] = i + k
      end
    end
    local f, held = freeze(t), {}
    for i = 1, #f do
      held[i] = f[i]
      for _ = 1, 3 do
        for k = 1, 40 do
          assert(held[i][k] == i + k)
        end
      end
    end
    held = #held
    assert.equal(3000, held)
    lagoon.runtime.gc()
    assert.equal(3040, read_often(f[3000], 40))
  end)
end)

describe("memory of frozen tables", function()
  local function live_bytes()
    lagoon.runtime.gc()
    lagoon.runtime.gc()
    return lagoon.runtime.stats().gc.live_bytes
  end

  local MEGABYTE = 1024 ^ 2

  it("is collected when no state refers to them", function()
    local function make(n)
      local t = {}
      for i = 1, n do
        t[i] = { i, { name = "number " .. i } }
      end
      t[1][3] = t -- a cycle
      return freeze(t)
    end
    local before = live_bytes()
    local f = make(20000)
    assert.is_true(live_bytes() > before + 5 * MEGABYTE)
    assert.equal("number 20000", f[20000][2].name)
    read_often(f[1], 3)
    f = f[1]
    assert.is_true(live_bytes() > before + 5 * MEGABYTE) -- the cycle keeps it
    assert.equal("number 1", f[2].name)
    f = nil -- luacheck: ignore
    helper.settle(function()
      select("#", unpack({}, 1, 240))
      return live_bytes() < before + MEGABYTE
    end)
  end)

  it("is small: a table of three fields takes less than in a state", function()
    local t = {}
    for i = 1, 10000 do
      t[i] = { x = i, y = i, z = i }
    end
    local before = live_bytes()
    local f = freeze(t)
    assert.is_true(live_bytes() - before < 10000 * 300)
    assert.equal(3, f[1].x + f[1].y + f[1].z)
  end)
end)

describe("a frozen table in other states", function()
  local parallel = lagoon.parallel

  -- For tasks: `assert` is busted's, which does not travel.
  local function ensure(ok)
    if not ok then
      error("something is wrong", 2)
    end
  end

  it("is the same object, by whichever way it comes", function()
    local f = freeze { x = 1, inner = { 2 } }
    local ch = lagoon.chan(2)
    local back, inner = parallel(function(argument)
      ch:send(f)
      ch:send { argument, argument.inner }
      ensure(rawequal(argument, f))
      return f, f.inner
    end, f):wait()
    assert.is_true(rawequal(f, back))
    assert.is_true(rawequal(f.inner, inner))
    assert.is_true(rawequal(f, (ch:recv())))
    local pair = ch:recv()
    assert.is_true(rawequal(f, pair[1]))
    assert.is_true(rawequal(inner, pair[2]))
  end)

  it("reads as here, with pairs and ipairs", function()
    local f = freeze { 1, 2, 3, x = 10, t = { "a", "b" }, big = 5LL }
    local task = parallel(function()
      local sum, list = 0, {}
      for k, v in pairs(f) do
        list[#list + 1] = tostring(k)
        sum = sum + (tonumber(v) or 0)
      end
      for i, v in ipairs(f.t) do
        list[#list + 1] = i .. v
      end
      local ok, err = pcall(function() f.x = 2 end)
      return tonumber(sum), table.concat(list, " "), #f, ok, err
    end)
    local sum, list, length, ok, err = task:wait()
    local names = {}
    for k in lagoon.pairs(f) do
      names[#names + 1] = tostring(k)
    end
    assert.equal(21, sum)
    assert.equal(table.concat(names, " ") .. " 1a 2b", list)
    assert.equal(3, length)
    assert.is_false(ok)
    assert.matches("attempt to modify a frozen table %(field 'x'%)", err)
  end)

  it("may be made in one state and outlive its use there", function()
    local f = parallel(function()
      local t = { list = {} }
      for i = 1, 1000 do
        t.list[i] = { name = "n" .. i, up = t }
      end
      return lagoon.freeze(t)
    end):wait()
    lagoon.runtime.gc()
    assert.equal("n1000", f.list[1000].name)
    assert.equal(f, f.list[500].up)
  end)

  it("carries channels that work in both", function()
    local ch = lagoon.chan(1)
    local f = freeze { ch = ch }
    parallel(function() f.ch:send("from there") end):wait()
    assert.equal("from there", ch:recv())
  end)

  it("may be read by many at once", function()
    local random, t = helper.random(13), {}
    for i = 1, 300 do
      t[i] = { id = i, name = "n" .. i, numbers = {}, tags = { ["t" .. i % 7] = true } }
      for k = 1, 80 do
        t[i].numbers[k] = i * k
      end
    end
    for i = 1, 300 do
      t[i].next = t[random(300)]
    end
    local f = freeze { list = t, by_name = (function()
      local names = {}
      for _, record in ipairs(t) do
        names[record.name] = record
      end
      return names
    end)() }
    local function walk(frozen, rounds, seed)
      local at, sum = frozen.list[seed % 300 + 1], 0
      for i = 1, rounds do
        local k = (at.id + i) % 80 + 1
        ensure(at.numbers[k] == at.id * k and at.tags["t" .. at.id % 7] and not at.tags.none)
        ensure(rawequal(frozen.by_name[at.name], at))
        sum = sum + at.id
        if i % 100 == 0 then
          local n = 0
          for _ in lagoon.pairs(at.numbers) do
            n = n + 1
          end
          ensure(n == 80)
        end
        at = at.next
      end
      return sum
    end
    local rounds, tasks = helper.rounds(3000), {}
    for i = 1, 16 do
      tasks[i] = parallel(walk, f, rounds, i)
    end
    for i = 1, 16 do
      assert.equal(walk(f, rounds, i), tasks[i]:wait())
      if i % 4 == 0 then
        lagoon.runtime.gc()
      end
    end
  end)

  it("may be made by many at once", function()
    local tasks = {}
    for i = 1, 8 do
      tasks[i] = parallel(function(rounds)
        local last
        for round = 1, rounds do
          last = lagoon.freeze { round, { i, last }, text = "text " .. i }
        end
        return last
      end, helper.rounds(300))
    end
    for i = 1, 8 do
      local f, n = tasks[i]:wait(), 0
      while f do
        n = n + 1
        ensure(f.text == "text " .. i and f[2][1] == i)
        f = f[2][2]
      end
      assert.equal(helper.rounds(300), n)
    end
  end)
end)

-- ------------------------------------------------------------------------------------------------
-- Luck
-- ------------------------------------------------------------------------------------------------

local function random_text(random)
  local bytes = {}
  for i = 1, random(0, 12) do
    bytes[i] = string.char(random(0, 255))
  end
  return table.concat(bytes)
end

local function random_scalar(random)
  local choice = random(8)
  if choice == 1 then
    return random(2) == 1
  elseif choice == 2 then
    return random(-3, 40)
  elseif choice == 3 then
    return random(-1000, 1000) / 8
  elseif choice == 4 then
    return 2 ^ random(-1074, 1023) * (random(2) == 1 and 1 or -1)
  elseif choice == 5 then
    return ({ 0 / 0, 1 / 0, -1 / 0, -0 })[random(4)]
  end
  return random_text(random)
end

local function random_key(random)
  local key
  repeat
    key = random_scalar(random)
  until key == key
  return key
end

local function random_graph(random)
  local tables = {}
  for i = 1, random(40) do
    tables[i] = {}
  end
  for _, t in ipairs(tables) do
    local size = random(5) == 1 and random(0, 200) or random(0, 12)
    for i = 1, size do
      local value = random(3) == 1 and tables[random(#tables)] or random_scalar(random)
      if random(2) == 1 then
        t[i] = value
      else
        t[random_key(random)] = value
      end
    end
  end
  return tables[1]
end

-- Whether two graphs are alike, with the same things in the same places.
local function compare(a, b)
  local twin, queue = { [a] = b }, { a }
  local function check(x, y, where)
    if type(x) == "table" then
      if twin[x] == nil then
        twin[x] = y
        queue[#queue + 1] = x
      end
      assert(rawequal(twin[x], y), where)
    else
      assert(x == y or x ~= x and y ~= y, where)
      assert(x ~= 0 or 1 / x == 1 / y, where)
    end
  end
  for _, x in ipairs(queue) do
    local y = twin[x]
    assert(#y == 0 or y[#y] ~= nil and y[#y + 1] == nil, "length")
    local n = 0
    for k, v in pairs(x) do
      n = n + 1
      check(v, y[k], k)
    end
    for k, v in lagoon.pairs(y) do
      n = n - 1
      check(x[k], v, k)
    end
    assert(n == 0, "number of keys")
  end
end

describe("random graphs", function()
  it("are the same when frozen and thawed", function()
    local random = helper.random(11)
    for _ = 1, helper.rounds(300) do
      local t = random_graph(random)
      local f = freeze(t)
      assert(#t == #f)
      compare(t, f)
      compare(thaw(f), f)
      compare(t, f)
    end
  end)

  it("hold when collected meanwhile", function()
    local random = helper.random(12)
    for _ = 1, helper.rounds(20) do
      local t = random_graph(random)
      local f = freeze(t)
      for _ = 1, 5 do
        compare(t, f)
        lagoon.runtime.gc()
      end
    end
  end)
end)
