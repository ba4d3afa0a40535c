-- SPDX-License-Identifier: MIT
local ffi = require "ffi"
local helper = require "helper"
local lagoon = require "lagoon"

local parallel = helper.parallel

local MOVED = "the buffer has been moved"

-- A channel that crosses.
local function shared_chan(capacity)
  local ch = lagoon.chan(capacity)
  parallel(function() end, ch):wait()
  return ch
end

local function is_moved(buf)
  return helper.message_of(function() buf:len() end) == MOVED
end

lagoon.runtime.gc() -- the collector's goroutines, which stay

describe("buffer", function()
  it("has so many zero bytes, or a string's", function()
    for _, n in ipairs { 0, 1, 15, 16, 17, 4096, 100000 } do
      local buf = lagoon.buffer(n)
      assert.equal(n, #buf)
      assert.equal(n, buf:len())
      assert.equal(("\0"):rep(n), buf:string())
    end
    local text = "any\0bytes\255"
    assert.equal(text, lagoon.buffer(text):string())
    assert.equal("", lagoon.buffer(""):string())
    assert.equal("12", lagoon.buffer("12"):string())
  end)

  it("gives its bytes to the FFI", function()
    local buf = lagoon.buffer(5)
    assert.is_true(ffi.istype("uint8_t *", buf:ptr()))
    ffi.copy(buf:ptr(), "hello", 5)
    assert.equal("hello", buf:string())
    for i = 0, 4 do
      buf:ptr()[i] = buf:ptr()[i] - 32
    end
    assert.equal("HELLO", buf:string())
    local sum, bytes = 0, lagoon.buffer(("\1"):rep(1000))
    for i = 0, #bytes - 1 do
      sum = sum + bytes:ptr()[i]
    end
    assert.equal(1000, sum)
    assert.equal(0, tonumber(ffi.cast("uintptr_t", bytes:ptr())) % 16)
  end)

  it("knows positions as string.sub does", function()
    local random = helper.random(1)
    local text = "0123456789"
    local buf = lagoon.buffer(text)
    for _ = 1, 300 do
      local first, last = random(-13, 13), random(-13, 13)
      assert.equal(text:sub(first, last), buf:string(first, last))
      assert.equal(text:sub(first, last), buf:slice(first, last):string())
      assert.equal(text:sub(first), buf:slice(first):string())
      assert.equal(#text:sub(first), #buf:slice(first))
    end
    assert.equal(text, buf:string(-math.huge, math.huge))
    assert.equal("", buf:string(math.huge))
    assert.equal("", buf:string(1, -math.huge))
    assert.equal(text, buf:slice():string())
  end)

  it("shares its memory with its slices, and theirs", function()
    local buf = lagoon.buffer("0123456789")
    local slice = buf:slice(3, -3)
    local inner = slice:slice(2, 3)
    assert.equal("234567", slice:string())
    assert.equal("34", inner:string())
    ffi.copy(inner:ptr(), "ab", 2)
    assert.equal("2ab567", slice:string())
    assert.equal("012ab56789", buf:string())
    assert.equal("", inner:slice(3):string())
  end)

  it("is kept alive by its slices", function()
    local slice = lagoon.buffer(("x"):rep(100000)):slice(50001)
    lagoon.runtime.gc()
    for _ = 1, 20 do
      lagoon.buffer(("y"):rep(100000))
    end
    assert.equal(("x"):rep(50000), slice:string())
  end)

  it("tells its size as text", function()
    local buf = lagoon.buffer(12)
    assert.matches("^buffer: 0x%x+ %(12 bytes%)$", tostring(buf))
    assert.matches("^moved buffer: 0x%x+ %(12 bytes%)$", tostring(buf:move()))
  end)

  it("refuses sizes and positions that make no sense", function()
    for _, size in ipairs { -1, 0.5, 0 / 0, math.huge, 2 ^ 60 } do
      assert.matches("bad argument #1 to 'buffer' %(a whole number from 0 to 2%^47 expected",
        helper.message_of(function() lagoon.buffer(size) end))
    end
    for type, value in pairs { table = {}, boolean = true, channel = lagoon.chan() } do
      assert.equal("bad argument #1 to 'buffer' (a size or a string expected, got " .. type .. ")",
        helper.message_of(function() lagoon.buffer(value) end))
    end
    assert.matches("got no value", helper.message_of(function() lagoon.buffer() end))
    assert.equal("not enough memory", helper.message_of(function() lagoon.buffer(2 ^ 47) end))
    local buf = lagoon.buffer(3)
    for _, name in ipairs { "slice", "string" } do
      assert.equal(("bad argument #1 to '%s' (a number expected, got string)"):format(name),
        helper.message_of(function() buf[name](buf, "1") end))
      assert.equal(("bad argument #2 to '%s' (a whole number expected, got 1.5)"):format(name),
        helper.message_of(function() buf[name](buf, 1, 1.5) end))
      assert.matches("a whole number expected",
        helper.message_of(function() buf[name](buf, 0 / 0) end))
    end
  end)

  it("refuses to be something else", function()
    local buf = lagoon.buffer(3)
    for _, name in ipairs { "ptr", "len", "slice", "string", "move" } do
      assert.equal(("calling '%s' on bad self (buffer expected, got channel)"):format(name),
        helper.message_of(function() buf[name](lagoon.chan()) end))
      assert.matches("buffer expected, got no value",
        helper.message_of(function() buf[name]() end))
    end
    getmetatable(buf).__gc(buf)
    for _, name in ipairs { "ptr", "len", "slice", "string", "move" } do
      assert.equal(("calling '%s' on a dead buffer"):format(name),
        helper.message_of(function() buf[name](buf) end))
    end
    assert.matches("dead", tostring(buf))
  end)

  it("is collected, and Lua's collector knows how large it is", function()
    lagoon.runtime.gc()
    local before = lagoon.runtime.stats().gc.live_bytes
    local alive, n = setmetatable({}, { __mode = "k" }), helper.rounds(1000)
    for i = 1, n do
      local buf = lagoon.buffer(1000000)
      alive[buf] = true
      alive[buf:slice(10)] = true
      if i % 100 == 0 then
        local count = 0
        for _ in pairs(alive) do
          count = count + 1
        end
        assert.is_true(count < 500, count)
      end
    end
    lagoon.runtime.gc()
    assert.is_true(lagoon.runtime.stats().gc.live_bytes < before + 2000000)
  end)
end)

describe("a buffer that is sent", function()
  it("is the same memory on both sides", function()
    local buf = lagoon.buffer("hello")
    local other, slice = parallel(function()
      ffi.copy(buf:ptr(), "J", 1)
      return buf, buf:slice(2)
    end):wait()
    assert.equal(buf, other)
    assert.equal("Jello", buf:string())
    ffi.copy(buf:ptr() + 1, "u", 1)
    assert.equal("ullo", slice:string())
  end)

  it("is alive while a message has it", function()
    local ch = shared_chan(1)
    ch:send({ lagoon.buffer(("z"):rep(50000)):slice(2) })
    lagoon.runtime.gc()
    for _ = 1, 10 do
      lagoon.buffer(("y"):rep(50000))
    end
    assert.equal(("z"):rep(49999), ch:recv()[1]:string())
  end)
end)

describe("a buffer that is moved", function()
  it("has a new owner; all else raises, slices too", function()
    local buf = lagoon.buffer("hello")
    local slice, pointer = buf:slice(2), buf:ptr()
    local task = parallel(function(mine)
      return #mine, mine:string(), tostring(mine), mine:slice(1, 2):string()
    end, buf:move())
    for _, name in ipairs { "ptr", "len", "slice", "string", "move" } do
      assert.equal(MOVED, helper.message_of(function() buf[name](buf) end))
      assert.equal(MOVED, helper.message_of(function() slice[name](slice) end))
    end
    assert.equal(MOVED, helper.message_of(function() return #buf end))
    assert.matches("^buffer: 0x%x+ %(moved%)$", tostring(buf))
    local length, text, name, start = task:wait()
    assert.equal(5, length)
    assert.equal("hello", text)
    assert.matches("^buffer: 0x%x+ %(5 bytes%)$", name)
    assert.equal("he", start)
    assert.equal(104, pointer[0]) -- nobody's business any more, but no crash
  end)

  it("is not copied, and can come back", function()
    local buf = lagoon.buffer(1000)
    local pointer = buf:ptr()
    for _ = 1, 5 do
      buf = parallel(function(mine) return mine:move() end, buf:move()):wait()
      assert.equal(pointer, buf:ptr())
    end
    assert.equal(1000, #buf)
  end)

  it("may be a slice: the receiver sees no more of the memory", function()
    local buf = lagoon.buffer("0123456789")
    local text = parallel(function(mine) return mine:string() end,
      buf:slice(3, 5):move()):wait()
    assert.equal("234", text)
    assert.is_true(is_moved(buf))
  end)

  it("is as any other within its state", function()
    local ch = lagoon.chan(1)
    local buf = lagoon.buffer("hello")
    ch:send(buf:move())
    local same = ch:recv()
    assert.equal("hello", same:string())
    assert.equal(5, #same)
    assert.equal("ell", same:slice(2, 4):string())
    assert.equal(buf:ptr(), same:ptr())
    assert.equal("hello", parallel(function(b) return b:string() end, same:move()):wait())
    assert.is_true(is_moved(buf))
  end)

  it("cannot be moved twice, by one message or two", function()
    local buf = lagoon.buffer("hello")
    local ch = shared_chan(2)
    local first, second = buf:move(), buf:move()
    assert.equal(MOVED, helper.message_of(function() ch:send({ first, second }) end))
    assert.equal("hello", buf:string()) -- it was not sent at all
    ch:send({ first, first })
    assert.equal(MOVED, helper.message_of(function() ch:send(second) end))
    assert.equal(MOVED, helper.message_of(function() ch:send(first) end))
    assert.equal(1, #ch)
    local message = ch:recv()
    assert.equal(message[1], message[2])
    assert.equal("hello", message[1]:string())
  end)

  it("stays where it is if the message is refused", function()
    local buf = lagoon.buffer("hello")
    local ch = shared_chan(1)
    assert.has_error(function() ch:send({ buf:move(), io.stdout }) end)
    assert.has_error(function() parallel(function() end, buf:move(), io.stdout) end)
    assert.equal("hello", buf:string())
  end)

  it("is back if the message is not sent", function()
    local buf = lagoon.buffer("hello")
    local slice, moving = buf:slice(2), buf:move()
    local ch = shared_chan()
    assert.is_false(ch:try_send(moving))
    assert.equal("ello", slice:string())
    assert.same({ nil, "timeout" }, { ch:send(moving, 0.001) })
    assert.equal("hello", buf:string())

    local task = helper.parked(lagoon.async(function() ch:send(moving) end))
    assert.is_true(is_moved(buf))
    task:cancel()
    assert.equal("cancelled", helper.error_of(function() task:wait() end))
    assert.equal("hello", buf:string())

    task = helper.parked(lagoon.async(function() return pcall(ch.send, ch, { moving }) end))
    assert.is_true(is_moved(slice))
    ch:close()
    assert.is_false((task:wait()))
    assert.equal("ello", slice:string())
    assert.has_error(function() ch:send(moving) end)
    assert.equal("hello", buf:string())
    assert.equal("hello", parallel(function(b) return b:string() end, moving):wait())
  end)

  it("is back if a select does something else", function()
    local buf = lagoon.buffer("hello")
    local full, ready = shared_chan(), shared_chan(1)
    ready:send(1)
    local index = lagoon.select(full:sending(buf:move()), ready)
    assert.equal(2, index)
    assert.equal("hello", buf:string())
    assert.equal(2, (lagoon.select(full:sending(buf:move()), lagoon.default)))
    assert.equal("hello", buf:string())
    local copy = lagoon.select(ready:sending({ buf:move() }), full)
    assert.equal(1, copy)
    assert.is_true(is_moved(buf))
    assert.equal("hello", ready:recv()[1]:string())
  end)

  it("is known by its size to the collectors of states that it only passes", function()
    local there, back, n = lagoon.chan(), lagoon.chan(), helper.rounds(1000)
    local task = parallel(function()
      local alive, most = setmetatable({}, { __mode = "k" }), 0
      for i = 1, n do
        local buf = there:recv()
        alive[buf] = true
        back:send(buf:move())
        if i % 100 == 0 then
          local count = 0
          for _ in pairs(alive) do
            count = count + 1
          end
          most = math.max(most, count)
        end
      end
      return most
    end)
    local buf = lagoon.buffer(1000000)
    for _ = 1, n do
      there:send(buf:move())
      buf = back:recv()
    end
    local most = task:wait()
    assert.is_true(most < 500, most)
  end)

  it("frees the memory with its last owner", function()
    lagoon.runtime.gc()
    local before = lagoon.runtime.stats().gc.live_bytes
    for _ = 1, helper.rounds(50) do
      local ch = shared_chan(1)
      ch:send(lagoon.buffer(1000000):move())
    end
    helper.settle(function()
      lagoon.runtime.gc()
      return lagoon.runtime.stats().gc.live_bytes < before + 4000000
    end)
  end)
end)

describe("buffers under load", function()
  it("have one owner, whoever moves them", function()
    local n, ntasks = helper.rounds(300), 4
    local out, go = lagoon.chan(), lagoon.chan()
    local tasks = {}
    for me = 1, ntasks do
      tasks[me] = parallel(function()
        local won = 0
        for _ = 1, n do
          local buf = go:recv()
          local ok, err = pcall(function() out:send(buf:move()) end)
          if ok then
            won = won + 1
          else
            assert(tostring(err):find("the buffer has been moved", 1, true), err)
            out:send(me)
          end
        end
        return won
      end)
    end
    local sent = 0
    for i = 1, n do
      local buf, arrived = lagoon.buffer("buffer " .. i), 0
      for _ = 1, ntasks do
        lagoon.go(function() go:send(buf) end)
      end
      for _ = 1, ntasks do
        local got = out:recv()
        if type(got) ~= "number" then
          arrived = arrived + 1
          assert.equal("buffer " .. i, got:string())
        end
      end
      assert.equal(1, arrived)
      sent = sent + arrived
    end
    local won = 0
    for me = 1, ntasks do
      won = won + tasks[me]:wait()
    end
    assert.equal(sent, won)
  end)

  it("are lost by none, and twice with none, if sends time out", function()
    local n, nbuffers, ntasks = helper.rounds(300), 9, 3
    local ring, tasks = lagoon.chan(4), {}

    local function play(me, seed, mine)
      local state, made = seed + 7919 * me, 0
      local function random(max)
        state = state * 16807 % 2147483647
        return state % max + 1
      end
      for _ = 1, n do
        local choice = random(4)
        if choice == 1 then
          mine[#mine + 1] = ring:recv(0.0001)
        elseif #mine > 0 then
          local buf = table.remove(mine, random(#mine))
          local counter = ffi.cast("uint32_t *", buf:ptr())
          counter[0], made = counter[0] + 1, made + 1
          local was_sent
          if choice == 2 then
            was_sent = ring:send(buf:move(), 0.0001)
          elseif choice == 3 then
            was_sent = ring:try_send({ buf:move() })
          else
            was_sent = lagoon.select(ring:sending(buf:move()), lagoon.default) == 1
          end
          if not was_sent then
            mine[#mine + 1] = buf
          end
        end
        for i, buf in ipairs(mine) do
          mine[i] = type(buf) == "table" and buf[1] or buf
        end
      end
      for i, buf in ipairs(mine) do
        mine[i] = buf:move()
      end
      return made, mine
    end

    for me = 1, ntasks do
      local mine = {}
      for i = 1, nbuffers / ntasks do
        mine[i] = lagoon.buffer(4):move()
      end
      tasks[me] = parallel(play, me, helper.seed(), mine)
    end
    local all, made, counted = {}, 0, 0
    for me = 1, ntasks do
      local more, mine = tasks[me]:wait()
      made = made + more
      for _, buf in ipairs(mine) do
        all[#all + 1] = buf
      end
    end
    while #ring > 0 do
      local buf = ring:recv()
      all[#all + 1] = type(buf) == "table" and buf[1] or buf
    end
    assert.equal(nbuffers, #all)
    for _, buf in ipairs(all) do
      counted = counted + ffi.cast("uint32_t *", buf:ptr())[0]
    end
    assert.equal(made, counted)
  end)
end)
