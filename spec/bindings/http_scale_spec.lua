-- SPDX-License-Identifier: MIT
--
-- http.serve with very many connections, and with more than there are descriptors for. The server
-- is a program of its own, which tells what it holds.
local lagoon = require "lagoon"
local helper = require "helper"
local net, process = lagoon.net, lagoon.process
local ffi = require "ffi"

pcall(ffi.cdef, [[
  struct lagoon_spec_rlimit { unsigned long now, most; };
  int getrlimit(int resource, struct lagoon_spec_rlimit *out);
  int setrlimit(int resource, const struct lagoon_spec_rlimit *limit);
]])
local RLIMIT_NOFILE = 7

-- Says at /stats what it holds and how long it has computed.
local SERVER = [[
  local lagoon = require "lagoon"
  local server = assert(lagoon.http.serve("127.0.0.1:0", function(req, res)
    if req.path ~= "/stats" then
      return res:write("hello")
    end
    collectgarbage()
    collectgarbage()
    local memory, sum = lagoon.runtime.stats().memory, 0
    for _, bytes in pairs(memory.uses) do
      sum = sum + bytes
    end
    res:write(sum + memory.stacks, " ", os.clock())
  end))
  print(server:addr())
  io.stdout:flush()
  server:wait()
]]

local function ask(conn, path)
  conn:write("GET ", path, " HTTP/1.1\r\nHost: a\r\n\r\n")
end

local function hear(conn)
  local line, length = assert(conn:read("*l")), nil
  assert.equal("HTTP/1.1 200 OK\r", line)
  while line ~= "\r" do
    line = assert(conn:read("*l"))
    length = length or line:match("^Content%-Length: (%d+)")
  end
  return conn:read(tonumber(length))
end

-- A server that has so many descriptors; its address, and a connection to ask it over.
local function start(limit)
  local path = helper.file("server.lua", SERVER)
  local child = assert(process.spawn("sh", { "-c", 'ulimit -n "$0"; exec "$1" "$2"', limit,
    helper.program, path }))
  local address = assert(child.stdout:read("*l"))
  return child, address, assert(net.dial("tcp", address))
end

local function figures(conn)
  ask(conn, "/stats")
  local bytes, seconds = hear(conn):match("^(%S+) (%S+)$")
  return tonumber(bytes), tonumber(seconds)
end

local function stop(child, conns)
  for _, conn in ipairs(conns) do
    conn:close()
  end
  child:kill()
  child:wait()
  local log = child.stderr:read("*a")
  for _, stream in ipairs { child.stdin, child.stdout, child.stderr } do
    stream:close()
  end
  return log
end

describe("a connection to http.serve that is idle", function()
  it("costs 4 KB of ours at most", function()
    local n = helper.is_stress() and 10000 or 400
    local before = ffi.new("struct lagoon_spec_rlimit")
    assert(ffi.C.getrlimit(RLIMIT_NOFILE, before) == 0)
    ffi.C.setrlimit(RLIMIT_NOFILE, ffi.new("struct lagoon_spec_rlimit", before.most, before.most))
    n = math.min(n, tonumber(before.most) - 200)
    local child, address, conn = start(n + 100)
    local conns = { conn }
    local function dial()
      local other = assert(net.dial("tcp", address))
      ask(other, "/")
      assert.equal("hello", hear(other))
      conns[#conns + 1] = other
    end
    for _ = 1, 10 do
      dial()
    end
    local first = figures(conn)
    for _ = 1, n do
      dial()
    end
    local each = (figures(conn) - first) / n
    stop(child, conns)
    ffi.C.setrlimit(RLIMIT_NOFILE, before)
    assert.is_true(each > 500 and each <= 4096, each)
  end)
end)

describe("http.serve without a descriptor to spare", function()
  it("says so once, does not spin, and goes on when there are some again", function()
    local child, address, conn = start(40)
    local conns = { conn }
    for i = 1, 60 do
      conns[i + 1] = assert(net.dial("tcp", address)) -- the last ones wait in the queue
      ask(conns[i + 1], "/")
    end
    assert.equal("http: accept: too many open files", child.stderr:read("*l"))
    local _, seconds = figures(conn)
    lagoon.sleep(0.1)
    local _, later = figures(conn)
    assert.is_true(later - seconds < 0.05, later - seconds)
    for i = 1, 60 do
      assert.equal("hello", hear(conns[i + 1]))
      conns[i + 1]:close()
    end
    assert.equal("", stop(child, conns))
  end)
end)
