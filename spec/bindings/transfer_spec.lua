-- SPDX-License-Identifier: MIT
local core = require "lagoon.core"
local ffi = require "ffi"
local helper = require "helper"
local lagoon = require "lagoon"

local copy, send = core.transfer_copy, core.transfer_send

local function message_of(...)
  return helper.message_of(function(...)
    local _ = copy(...) -- no tail call: the line is the spec's
  end, ...)
end

local function refused(what, ...)
  assert.are.equal("cannot send " .. what .. " to another Lua state", message_of(...))
end

describe("transfer of plain values", function()
  it("copies nil, booleans and any number of values", function()
    assert.are.equal(0, select("#", copy()))
    local a, b, c, d = copy(nil, true, false, nil)
    assert.is_nil(a)
    assert.is_true(b)
    assert.is_false(c)
    assert.is_nil(d)
    assert.are.equal(4, select("#", copy(nil, true, false, nil)))
    assert.are.equal(1000, select("#", copy(unpack({}, 1, 1000))))
  end)

  it("copies numbers to the bit", function()
    for _, n in ipairs { 0, 1, 127, 128, -1, 32767, 32768, -32768, -32769, 2147483647,
      2147483648, -2147483648, -2147483649, 0.5, 1e300, -1e-300, 2 ^ 53, 1 / 0, -1 / 0, 5e-324 } do
      assert.are.equal(n, copy(n))
      assert.are.equal(n, send(n))
      assert.are.equal(n, copy { n }[1])
    end
    assert.are.equal(-1 / 0, 1 / copy(-0.0))
    assert.are.equal(-1 / 0, 1 / copy { -0.0 }[1])
    assert.are.equal(1 / 0, 1 / copy(0))
    local nan = copy(0 / 0)
    assert.is_true(nan ~= nan)
    nan = send(0 / 0)
    assert.is_true(nan ~= nan)
  end)

  it("makes one NaN of all", function()
    local odd = ffi.new("union { double d; uint32_t u[2]; }", { u = { 3, 0xfff80001 } })
    local bits = ffi.new("union { double d; uint32_t u[2]; }")
    bits.d = copy { odd.d }[1]
    assert.are.equal(0, bits.u[0])
  end)

  it("copies strings of any bytes and length", function()
    for _, n in ipairs { 0, 1, 30, 31, 32, 33, 127, 128, 1000, 16384, 100000 } do
      local s = ("a\0\255z"):rep(n):sub(1, n)
      assert.are.equal(s, copy(s))
      assert.are.equal(s, send(s))
      local t = copy { s, [s] = s, { s } }
      assert.are.equal(s, t[1])
      assert.are.equal(s, t[s])
      assert.are.equal(s, t[2][1])
    end
  end)

  it("copies a string of 100 MB", function()
    local s = ("0123456789"):rep(10 * 1000 * 1000)
    assert.is_true(send(s) == s)
    assert.is_true(copy { s, s }[2] == s)
  end)

  it("copies int64_t and uint64_t", function()
    local a, b, c = copy(-5LL, 18446744073709551615ULL, { k = 9007199254740993LL })
    assert.is_true(ffi.istype("int64_t", a) and a == -5LL)
    assert.is_true(ffi.istype("uint64_t", b) and b == 18446744073709551615ULL)
    assert.is_true(ffi.istype("int64_t", c.k) and c.k == 9007199254740993LL)
  end)

  it("copies NULL", function()
    local buffer = require "string.buffer" -- whose decoder makes light userdata
    local null = buffer.decode("\003")
    assert.are.equal("userdata", type(null))
    assert.are.equal(null, copy(null))
    assert.are.equal(null, copy { a = null }.a)
  end)
end)

describe("transfer of tables", function()
  it("copies them deeply", function()
    local t = { 1, 2, { 3, a = { b = "c" } }, x = { y = { z = true } }, [true] = 1, [2.5] = 2 }
    local u = copy(t)
    assert.are.same(t, u)
    assert.is_true(u ~= t and u.x ~= t.x and u.x.y ~= t.x.y)
  end)

  it("keeps shared and cyclic references", function()
    local leaf = { "leaf" }
    local t = { leaf, leaf, a = leaf, [leaf] = leaf }
    t.self = t
    t[t] = { up = t }
    local u = copy(t)
    assert.is_true(u[1] == u[2] and u[1] == u.a and u[u[1]] == u[1] and u[1] ~= leaf)
    assert.is_true(u.self == u and u[u].up == u)
    local a, b = copy(leaf, leaf)
    assert.is_true(a == b and a ~= leaf)
  end)

  it("keeps arrays, with holes and from index 0", function()
    local cases = { {}, { 1 }, { 1, 2, 3 }, { 1, nil, 3 }, { nil, 2 }, { nil, nil, 3 },
      { 1, nil, nil, 4, nil, 6 }, { [0] = 0 }, { [0] = 0, 1, 2 }, { [0] = 0, 1, nil, 3 },
      { [3] = 3, [2] = 2, [1] = 1 }, { [1] = 1, [1000] = 2, [-1] = 3 }, { [2 ^ 40] = 1 } }
    for _, t in ipairs(cases) do
      local u = copy(t)
      assert.are.same(t, u)
      assert.is_true(t[#t] == nil or u[#u] ~= nil)
    end
    assert.are.equal(4, #copy { 1, 2, 3, 4, x = 5 })
    assert.are.equal(2, #copy { [0] = 0, 1, 2 })
    assert.are.equal(3, #copy { nil, nil, 3 })
  end)

  it("copies arrays of many", function()
    local t, u = {}, {}
    for i = 1, 100000 do
      t[i] = i * 0.5
      u[i] = { i }
    end
    assert.are.same(t, copy(t))
    local v = copy(u)
    for i = 1, 100000 do
      assert.is_true(v[i][1] == i and v[i] ~= u[i])
    end
  end)

  it("copies a million tables inside each other", function()
    local n = helper.rounds(1000000)
    local t = {}
    local top = t
    for _ = 1, n do
      t.inner = {}
      t = t.inner
    end
    t.inner = top
    local u = copy(top)
    local depth = 0
    local at = u.inner
    while at ~= u do
      at = at.inner
      depth = depth + 1
    end
    assert.are.equal(n, depth)
  end)

  it("refers back to objects that were spilled from the stack", function()
    local list = {}
    for i = 1, 3000 do
      list[i] = { i, next = list[i - 1], far = list[i - 1500] }
    end
    list[1].last = list[3000]
    local u = copy(list)
    for i = 1, 3000 do
      assert.is_true(u[i][1] == i and u[i].next == u[i - 1] and u[i].far == u[i - 1500])
    end
    assert.is_true(u[1].last == u[3000])
  end)

  it("gives metatables by the name of their class", function()
    local Point = { __add = function(a, b)
      return a.x + b.x
    end }
    Point.__index = Point
    lagoon.class("transfer_spec.Point", Point)
    local a, b = copy(setmetatable({ x = 1 }, Point), { p = setmetatable({ x = 2 }, Point) })
    assert.are.equal(Point, getmetatable(a))
    assert.are.equal(3, a + b.p)
  end)

  it("gives modules and the globals as what they are there", function()
    local t = copy { string = string, g = _G, list = { table, package.loaded.helper } }
    assert.is_true(t.string == string and t.g == _G and t.list[1] == table)
    assert.is_true(t.list[2] == helper)
  end)
end)

describe("transfer of shared objects", function()
  it("gives the same object", function()
    local ch, mu, wg = lagoon.chan(1), lagoon.mutex(), lagoon.waitgroup()
    local t, again = copy({ ch, ch, mu = mu, inner = { wg } }, ch)
    assert.is_true(t[1] == ch and t[2] == ch and t.mu == mu and t.inner[1] == wg)
    assert.is_true(again == ch)
    assert.is_true(send(ch) == ch and send(mu) == mu)
  end)

  it("gives many", function()
    local list = {}
    for i = 1, 200 do
      list[i] = lagoon.chan(1)
    end
    assert.are.same(list, copy(list))
  end)

  it("moves buffers", function()
    local buf = lagoon.buffer("bytes")
    local moving = buf:move()
    local a, b = copy({ moving, moving }, moving)
    assert.is_true(a[1] == a[2] and a[1] == b)
    assert.are.equal("bytes", b:string())
    assert.is_false(pcall(buf.string, buf))
    assert.are.equal("the buffer has been moved", message_of(moving))
  end)

  it("moves all buffers of a message or none", function()
    local one, gone = lagoon.buffer("one"), lagoon.buffer("gone"):move()
    copy(gone)
    assert.is_false(pcall(copy, one:move(), gone))
    assert.are.equal("one", one:string())
    assert.is_false(pcall(copy, one:move(), io.stdout))
    assert.are.equal("one", one:string())
  end)
end)

describe("transfer that is refused", function()
  local co = coroutine.create(print)

  it("names what it is and where it stands", function()
    refused("a coroutine", co)
    refused("a coroutine (at .conf.log[3])", { conf = { log = { 1, 2, co } } })
    refused("a coroutine (at [true])", { [true] = co })
    refused("a coroutine (at [\"a b\"][2.5])", { ["a b"] = { [2.5] = co } })
    refused("a coroutine (at [table].x)", { [{ x = co }] = 1 })
    refused("a coroutine (at .x[coroutine])", { x = { [co] = 1 } })
    refused("a file (at .out)", { out = io.stdout })
    refused("a userdata (at [1])", { newproxy() })
    refused("a userdata", newproxy(true))
    refused("a cdata (at .c)", { c = ffi.new("int[2]") })
    refused("a cdata", ffi.new("int", 3))
    local timer = lagoon.timer(1000, print)
    refused("a timer (at [1])", { timer })
    timer:stop()
    refused("a table whose metatable lagoon.class does not know (at .m[1])",
      { m = { setmetatable({}, {}) } })
    refused("a table whose metatable lagoon.class does not know", setmetatable({}, {}))
    refused("a Stack (at .s)", { s = setmetatable({}, { __name = "Stack" }) })
    refused("a table whose metatable lagoon.class does not know",
      setmetatable({}, { __name = 1 }))
    local group, once = lagoon.group(), lagoon.once(print)
    refused("a group (at upvalue 'group')", function() return group end)
    refused("a once function (at .f, upvalue 'once')", { f = once })
    refused("a select case (at [1])", { lagoon.chan():sending(1) })
  end)

  it("cuts long paths in the middle", function()
    local t = { leaf = co }
    for i = 1, 1000 do
      t = { ["k" .. i] = t }
    end
    refused("a coroutine (at .k1000.k999.k998....k4.k3.k2.k1.leaf)", t)
    refused("a coroutine (at [\"" .. ("long "):rep(10):sub(1, 36) .. "...\"])",
      { [("long "):rep(10)] = co })
  end)

  it("has shared nothing", function()
    local ch, value = lagoon.chan(1), {}
    assert.is_false(pcall(copy, { ch, co }))
    ch:send(value)
    assert.are.equal(value, (ch:recv()))
  end)

  it("leaves nothing behind that the next one would meet", function()
    for _ = 1, 100 do
      local t = { { co }, {} }
      assert.is_false(pcall(copy, t, t))
      assert.are.same({ 1, { 2 } }, copy { 1, { 2 } })
    end
  end)
end)

describe("transfer by __transfer", function()
  local function rebuilt(...)
    local args = { ... }
    return setmetatable({}, { __transfer = function()
      return function(...)
        return { "rebuilt", ... }
      end, unpack(args)
    end })
  end

  it("calls the function with the arguments", function()
    local t = copy { a = rebuilt(1, { 2 }, "three") }
    assert.are.same({ "rebuilt", 1, { 2 }, "three" }, t.a)
  end)

  it("does so with userdata, once for each", function()
    local n = 0
    local u = newproxy(true)
    getmetatable(u).__transfer = function(self)
      assert.are.equal(u, self)
      n = n + 1
      return tostring, n
    end
    assert.are.same({ "1", "1", { "1" } }, copy { u, u, { u } })
    assert.are.equal(1, n)
  end)

  it("rebuilds what is inside arguments first", function()
    local t = copy { rebuilt(rebuilt(rebuilt(1)), rebuilt(2)), 3 }
    assert.are.same({ { "rebuilt", { "rebuilt", { "rebuilt", 1 } }, { "rebuilt", 2 } }, 3 }, t)
  end)

  it("may share objects with the rest", function()
    local ch = lagoon.chan()
    local t = copy { rebuilt(ch), ch }
    assert.is_true(t[1][2] == ch and t[2] == ch)
  end)

  it("goes on with many objects around it", function()
    local list = {}
    for i = 1, 300 do
      list[i] = { i, rebuilt({ i }, { -i }), i, x = { i } }
    end
    local u = copy(list)
    for i = 1, 300 do
      assert.are.same({ i, { "rebuilt", { i }, { -i } }, i, x = { i } }, u[i])
    end
  end)

  it("may wait and send in the hooks, while others send", function()
    local ch, done = lagoon.chan(), lagoon.atomic(0)
    local slow = setmetatable({}, { __transfer = function()
      assert.are.same({ { 5 } }, copy { { 5 } })
      return function(v)
        lagoon.yield()
        return v
      end, ch:recv()
    end })
    for i = 1, 20 do
      lagoon.go(function()
        assert.are.same({ { "x", i }, { i } }, copy { { slow, i }, { i } })
        done:add(1)
      end)
    end
    for _ = 1, 20 do
      ch:send("x")
      assert.are.same({ { 1 } }, copy { { 1 } })
    end
    helper.settle(function()
      return done:get() == 20
    end)
  end)

  it("goes before the class, in whatever order they are met", function()
    local Both, n = {}, 0
    Both.__transfer = function(self)
      n = n + 1
      return setmetatable, { "rebuilt", self[1] }, Both
    end
    lagoon.class("transfer_spec.Both", Both)
    local t = copy { Both, setmetatable({ 1 }, Both), setmetatable({ 2 }, Both) }
    assert.is_true(t[1] == Both and getmetatable(t[3]) == Both)
    assert.are.same({ "rebuilt", 1, "rebuilt", 2 }, { t[2][1], t[2][2], t[3][1], t[3][2] })
    assert.are.equal(2, n)
  end)

  it("needs a function first", function()
    local function bad(...)
      local results = { ... }
      return setmetatable({}, { __transfer = function()
        return unpack(results)
      end })
    end
    assert.are.equal("cannot send a table (at .x) to another Lua state: its __transfer " ..
      "returned no function", message_of({ x = bad() }))
    assert.are.equal("cannot send a table to another Lua state: its __transfer " ..
      "returned no function", message_of(bad(1, print)))
  end)

  it("is cut short when it leads to itself", function()
    local self
    self = setmetatable({}, { __transfer = function()
      return print, self
    end })
    assert.is_truthy(message_of(self):find("its __transfer leads to too many others",
      1, true))
  end)

  it("raises what a hook raises", function()
    local bad = setmetatable({}, { __transfer = function()
      error({ "mine" })
    end })
    assert.are.same({ "mine" }, helper.error_of(copy, { bad }))
    assert.are.same({ 1 }, copy { 1 })
  end)

  it("tells of what is inside", function()
    refused("a coroutine (at .a, __transfer[1])", { a = rebuilt({ coroutine.create(print) }) })
  end)
end)

describe("transfer in a host, outside of goroutines", function()
  it("does what it does elsewhere", function()
    if not helper.has_host() then
      return
    end
    local child = helper.child { "luajit", helper.file("host.lua", ("package.cpath = %q\n"):format(
      (helper.library:gsub("lagoon%.so$", "?.so"))) .. [[
        local lagoon = require "lagoon"
        local core = require "lagoon.core"
        local ch = lagoon.chan(1)
        for i = 1, 1000 do
          local t = core.transfer_send { i, "x", ch, f = function() return ch end }
          assert(t[1] == i and t[3] == ch and t.f() == ch)
          assert(core.transfer_send(("s"):rep(i)) == ("s"):rep(i))
        end
        assert(core.transfer_copy(lagoon.buffer("abc"):move()):string() == "abc")
        assert(not pcall(core.transfer_copy, io.stdout))
        lagoon.runtime.gc()
        print("done")
      ]]) }
    assert.are.equal("", child.err)
    assert.are.equal("done\n", child.out)
  end)
end)
