-- SPDX-License-Identifier: MIT
--
-- lagoon.net: sockets from scripts.
local lagoon = require "lagoon"
local helper = require "helper"
local net, go, async = lagoon.net, lagoon.go, lagoon.async

local function listen(network, address)
  local listener = assert(net.listen(network or "tcp", address or "127.0.0.1:0"))
  return listener, listener:addr()
end

-- Two ends of one connection.
local function pair(network, address)
  local listener, place = listen(network, address)
  local dialer = async(net.dial, network or "tcp", place)
  local there = assert(listener:accept())
  local here = assert(dialer:wait())
  listener:close()
  return here, there
end

local function close(...)
  for _, conn in ipairs { ... } do
    conn:close()
  end
end

describe("net.listen", function()
  it("takes a free port and tells which", function()
    local listener, place = listen()
    assert.is_truthy(place:match("^127%.0%.0%.1:%d+$"))
    listener:close()
  end)

  it("listens on all addresses of both families without a host", function()
    local listener = assert(net.listen("tcp", ":0"))
    local port = listener:addr():match(":(%d+)$")
    local dialer = async(net.dial, "tcp4", "127.0.0.1:" .. port)
    local there = assert(listener:accept())
    close(there, assert(dialer:wait()), listener)
  end)

  it("says EADDRINUSE where somebody listens", function()
    local listener, place = listen()
    local other, err, code = net.listen("tcp", place)
    assert.is_nil(other)
    assert.equal("EADDRINUSE", code)
    assert.equal("address already in use", err)
    listener:close()
  end)

  it("takes a Unix path, which goes away with it", function()
    local path = helper.path("socket")
    local here, there = pair("unix", path)
    assert.equal(5, here:write("hello"))
    assert.equal("hello", there:read(5))
    assert.equal(path, there:local_addr())
    assert.equal("", there:remote_addr())
    assert.is_nil(io.open(path))
    close(here, there)
  end)

  it("raises for what is no address", function()
    local message = "not a network and an address of it"
    assert.equal(message, helper.message_of(function() net.listen("tcp", "nowhere") end))
    assert.equal(message, helper.message_of(function() net.listen("ipx", "127.0.0.1:0") end))
    assert.is_truthy(helper.message_of(function() net.listen("tcp") end):find("a string expected"))
  end)
end)

describe("net.dial", function()
  it("says ECONNREFUSED where nobody listens", function()
    local listener, place = listen()
    listener:close()
    local conn, err, code = net.dial("tcp", place)
    assert.same({ nil, "connection refused", "ECONNREFUSED" }, { conn, err, code })
  end)

  it("looks names up, and says what is wrong with one", function()
    local listener = assert(net.listen("tcp", "localhost:0"))
    local dialer = async(net.dial, "tcp", (listener:addr():gsub("127.0.0.1", "localhost")))
    close(assert(listener:accept()), assert(dialer:wait()), listener)
    local conn, _, code = net.dial("tcp", "no-such-name.invalid:80")
    assert.is_nil(conn)
    assert.is_truthy(code:find("^EAI_"))
  end)

  it("speaks IPv6, if there is any", function()
    local listener = net.listen("tcp6", "[::1]:0")
    if not listener then
      return
    end
    local dialer = async(net.dial, "tcp", listener:addr())
    local there, here = assert(listener:accept()), assert(dialer:wait())
    assert.equal(there:remote_addr(), here:local_addr())
    close(here, there, listener)
  end)

  it("ends with its time-out", function()
    -- A listener whose queue is full answers nobody.
    local listener = assert(net.listen("tcp", "127.0.0.1:0", { backlog = 1 }))
    local place, conns = listener:addr(), {}
    local conn, err, code
    repeat
      conn, err, code = net.dial("tcp", place, { timeout = 0.05 })
      conns[#conns + 1] = conn
    until not conn or #conns == 50
    assert.same({ "timeout", "ETIMEDOUT" }, { err, code })
    close(listener, unpack(conns))
  end)

  it("is refused outside a goroutine's reach: in a finaliser", function()
    local message
    getmetatable(newproxy(true)).__gc = function()
      message = select(2, pcall(net.dial, "tcp", "127.0.0.1:1"))
    end
    helper.settle(function()
      collectgarbage()
      return message
    end)
    assert.is_truthy(message:find("cannot block inside a __gc metamethod"))
  end)
end)

describe("net.resolve", function()
  it("gives the addresses of a name", function()
    local addresses = assert(net.resolve("localhost"))
    assert.is_truthy(addresses[1] == "127.0.0.1" or addresses[1] == "::1")
  end)
end)

describe("listener:accept", function()
  it("serves those who wait first come, first served", function()
    local listener, place = listen()
    local order = {}
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = async(function()
        local conn = assert(listener:accept())
        order[#order + 1] = i
        conn:close()
      end)
      helper.parked(tasks[i])
    end
    for i = 1, 3 do
      close(assert(net.dial("tcp", place)))
      tasks[i]:wait()
    end
    assert.same({ 1, 2, 3 }, order)
    listener:close()
  end)

  it("ends with the deadline, a cancellation, and by a close", function()
    local listener, place = listen()
    listener:set_deadline(0.005)
    assert.same({ nil, "timeout", "ETIMEDOUT" }, { listener:accept() })
    listener:set_deadline()
    local task = helper.parked(async(listener.accept, listener))
    task:cancel("enough")
    assert.equal("enough", helper.error_of(task.wait, task))
    local other = helper.parked(async(listener.accept, listener))
    assert.is_true(listener:close())
    assert.same({ nil, "closed" }, { other:wait() })
    assert.same({ nil, "closed" }, { listener:accept() })
    assert.same({ nil, "closed" }, { listener:close() })
    assert.equal("ECONNREFUSED", (select(3, net.dial("tcp", place))))
  end)
end)

describe("listener:accept without a descriptor to spare", function()
  local ffi = require "ffi"
  pcall(ffi.cdef, [[
    struct lagoon_spec_rlimit { unsigned long now, most; };
    int getrlimit(int resource, struct lagoon_spec_rlimit *out);
    int setrlimit(int resource, const struct lagoon_spec_rlimit *limit);
  ]])
  local RLIMIT_NOFILE = 7

  -- f with as many descriptors as there are now.
  local function scarce(f)
    local lowest = assert(io.open("/dev/null"))
    local before = ffi.new("struct lagoon_spec_rlimit")
    assert(ffi.C.getrlimit(RLIMIT_NOFILE, before) == 0)
    local files = { lowest }
    local few = ffi.new("struct lagoon_spec_rlimit", 60, before.most)
    assert(ffi.C.setrlimit(RLIMIT_NOFILE, few) == 0)
    repeat
      local file = io.open("/dev/null")
      files[#files + 1] = file
    until not file
    local ok, err = pcall(f, files)
    ffi.C.setrlimit(RLIMIT_NOFILE, before)
    for _, file in ipairs(files) do
      pcall(file.close, file)
    end
    assert(ok, err)
  end

  it("says EMFILE, and waits longer each time instead of spinning", function()
    local listener, place = listen()
    local conn
    scarce(function(files)
      table.remove(files):close() -- for the dialer
      conn = assert(net.dial("tcp", place))
      local n, t0 = 0, lagoon.now()
      local there, err, code
      repeat
        there, err, code = listener:accept()
        n = n + 1
        assert.is_nil(there)
        assert.equal("too many open files", err)
        assert.equal("EMFILE", code)
      until lagoon.now() - t0 > 0.1
      assert.is_true(n <= 6, n)
      table.remove(files):close()
      there = assert(listener:accept())
      close(there)
    end)
    close(conn, listener)
  end)
end)

describe("conn:read", function()
  it("gives what has arrived, so many bytes, lines, and all the rest", function()
    local here, there = pair()
    there:write("some")
    assert.equal("some", here:read())
    there:write("12345")
    assert.equal("123", here:read(3))
    assert.equal("45", here:read(2))
    there:write("one\ntw", "o\r\n", 3, "\n\nlast")
    assert.equal("one", here:read("*l"))
    assert.equal("two\r\n", here:read("*L"))
    assert.equal("3", here:read("l"))
    assert.equal("", here:read("*l"))
    assert.equal("", here:read(0))
    there:close_write()
    assert.equal("last", here:read("*l"))
    assert.same({}, { here:read("*l") })
    assert.equal("", here:read("*a"))
    close(here, there)
  end)

  it("waits for what it needs, however small the pieces", function()
    local here, there = pair()
    local task = async(here.read, here, 10)
    for i = 0, 9 do
      helper.parked(task)
      there:write(i)
      lagoon.yield()
    end
    assert.equal("0123456789", task:wait())
    close(here, there)
  end)

  it("gives less where the stream ends", function()
    local here, there = pair()
    there:write("abc")
    there:close()
    assert.equal("abc", here:read(10))
    assert.is_nil(here:read(10))
    close(here)
  end)

  it("gives all, of any size", function()
    local here, there = pair()
    local text = ("0123456789abcdef"):rep(100000)
    go(function()
      there:write(text)
      there:close()
    end)
    assert.is_true(here:read("*a") == text)
    close(here)
  end)

  it("loses nothing to a deadline or a cancellation", function()
    local here, there = pair()
    there:write("half")
    here:set_deadline(0.005)
    assert.same({ nil, "timeout", "ETIMEDOUT" }, { here:read(8) })
    here:set_deadline()
    local task = helper.parked(async(here.read, here, "*l"))
    task:cancel()
    assert.equal("cancelled", helper.error_of(task.wait, task))
    there:write("full\n")
    assert.equal("halffull", here:read("*l"))
    close(here, there)
  end)

  it("that has its bytes and has not run yet is told of a close", function()
    for nyields = 0, 5 do
      local here, there = pair()
      local task = helper.parked(async(here.read, here))
      there:write("bytes")
      for _ = 1, nyields do
        lagoon.yield()
      end
      here:close()
      local data, err = task:wait()
      assert.is_true(data == "bytes" or err == "closed")
      close(there)
    end
  end)

  it("is for one goroutine at a time", function()
    local here, there = pair()
    local task = helper.parked(async(here.read, here))
    assert.is_truthy(helper.message_of(function() here:read() end):find("another goroutine"))
    here:close()
    assert.same({ nil, "closed" }, { task:wait() })
    assert.same({ nil, "closed" }, { here:read() })
    close(there)
  end)

  it("raises for what is no format", function()
    local here, there = pair()
    for _, format in ipairs { "x", "*n", -1, 1.5, "*line" } do
      assert.is_truthy(helper.message_of(function() here:read(format) end):find("invalid format"))
    end
    close(here, there)
  end)

  it("works where a coroutine cannot yield", function()
    local here, there = pair()
    go(function() there:write("x") end)
    local text = ("a"):gsub("a", function() return here:read(1) end)
    assert.equal("x", text)
    close(here, there)
  end)

  it("works in parallel tasks, which have loops of their own", function()
    local place, text = helper.parallel(function()
      local l = require "lagoon"
      local listener = assert(l.net.listen("tcp", "127.0.0.1:0"))
      local dialer = l.async(l.net.dial, "tcp", listener:addr())
      local there, here = listener:accept(), dialer:wait()
      there:write("in parallel")
      local text = here:read(11)
      here:close()
      there:close()
      local place = listener:addr()
      listener:close()
      return place, text
    end):wait()
    assert.equal("in parallel", text)
    assert.is_truthy(place)
  end)
end)

describe("conn:write", function()
  it("says how much is gone when a deadline cuts it, and is the last then", function()
    local here, there = pair()
    local text = ("x"):rep(16 * 1024 * 1024)
    here:set_deadline(0.02)
    local n, err, code, gone = here:write(text)
    assert.same({ nil, "timeout", "ETIMEDOUT" }, { n, err, code })
    assert.is_true(gone > 0 and gone < #text)
    here:set_deadline()
    assert.equal("EPIPE", (select(3, here:write("more"))))
    here:close()
    assert.equal(gone, #there:read("*a"))
    close(there)
  end)

  it("waits for a slow reader, who gets all of it", function()
    local here, there = pair()
    local text = ("0123456789"):rep(400000)
    local task = helper.parked(async(here.write, here, text))
    local got = {}
    while #table.concat(got) < #text do
      got[#got + 1] = there:read(100000)
    end
    assert.equal(#text, task:wait())
    assert.is_true(table.concat(got) == text)
    close(here, there)
  end)

  it("says EPIPE or ECONNRESET when nobody is there any more", function()
    local here, there = pair()
    there:close()
    local code
    helper.settle(function()
      code = select(3, here:write("x"))
      return code
    end)
    assert.is_truthy(code == "EPIPE" or code == "ECONNRESET")
    close(here)
  end)

  it("ends its stream with close_write, and reads on", function()
    local here, there = pair()
    here:write("question")
    assert.is_true(here:close_write())
    assert.same({ nil, "closed", nil, 0 }, { here:write("more") })
    assert.equal("question", there:read("*a"))
    there:write("answer")
    there:close()
    assert.equal("answer", here:read("*a"))
    close(here)
  end)
end)

describe("a connection", function()
  it("whose reader is slow slows the writer down, and keeps little", function()
    local here, there = pair()
    local before = lagoon.runtime.stats().memory.uses.buffers
    local text = ("x"):rep(32 * 1024 * 1024)
    here:write("x")
    there:read(1)
    local task = helper.parked(async(here.write, here, text))
    for _ = 1, 100 do
      lagoon.yield()
    end
    assert.equal("waiting", task:status())
    assert.is_true(lagoon.runtime.stats().memory.uses.buffers - before <= 64 * 1024)
    assert.equal(#text, #there:read(#text))
    task:wait()
    close(here, there)
  end)

  it("that is reset says so, after what came before", function()
    local here, there = pair()
    here:write("unread") -- a socket that is closed with something unread is reset
    there:write("before")
    there:close()
    assert.same({ nil, "connection reset by peer", "ECONNRESET", "before" }, { here:read("*a") })
    assert.equal("ECONNRESET", (select(3, here:read())))
    close(here)
  end)

  it("that nobody holds any more is closed", function()
    local conns = { pair() }
    local task = helper.parked(async(conns[1].read, conns[1]))
    conns[2] = nil
    helper.settle(function()
      collectgarbage()
      return task:status() == "done"
    end)
    assert.is_nil((task:wait()))
    close(conns[1])
  end)

  it("cannot be sent to another Lua state", function()
    local here, there = pair()
    local message = helper.error_of(function()
      helper.parallel(function(c) return c end, here)
    end)
    assert.is_truthy(tostring(message):find("cannot send a connection"))
    close(here, there)
  end)

  it("carries what many goroutines say, and keeps it apart", function()
    local listener, place = listen()
    local n, rounds = 50, helper.rounds(50)
    go(function()
      for _ = 1, n do
        local conn = assert(listener:accept())
        go(function()
          for line in conn:lines() do
            conn:write(line, "\n")
          end
          conn:close()
        end)
      end
    end)
    local random = helper.random()
    local group = lagoon.group()
    for i = 1, n do
      group:go(function()
        local conn = assert(net.dial("tcp", place))
        for j = 1, rounds do
          local line = ("%d %d "):format(i, j) .. ("x"):rep(random(3000))
          conn:write(line, "\n")
          assert(conn:read("*l") == line)
          if random(3) == 1 then
            lagoon.yield()
          end
        end
        conn:close()
      end)
    end
    group:wait()
    listener:close()
  end)

  it("that is idle costs less than 1 KB of ours", function()
    local listener, place = listen()
    local here, there = {}, {}
    local n = 450
    local function buffers()
      collectgarbage()
      return lagoon.runtime.stats().memory.uses.buffers
    end
    local before = buffers()
    for i = 1, n do
      here[i] = assert(net.dial("tcp", place))
      there[i] = assert(listener:accept())
      here[i]:write("x")
      there[i]:read(1)
    end
    local each = (buffers() - before) / (2 * n)
    assert.is_true(each > 100 and each <= 1024, each)
    close(listener, unpack(here))
    close(unpack(there))
  end)

  it("is no deadlock while somebody waits for it, and is none of it without", function()
    local child = helper.script [[
      local lagoon = require "lagoon"
      local listener = lagoon.net.listen("tcp", "127.0.0.1:0")
      lagoon.go(function() lagoon.net.dial("tcp", listener:addr()) end)
      local conn = listener:accept()
      io.write("accepted\n")
      lagoon.chan():recv()
    ]]
    assert.equal(2, child.status)
    assert.equal("accepted\n", child.out)
    assert.is_truthy(child.err:find("all goroutines are asleep"))
  end)
end)
