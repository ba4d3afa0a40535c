-- SPDX-License-Identifier: MIT
--
-- Open files, while the others run.
local helper = require "helper"
local lagoon = require "lagoon"

local ffi = require "ffi"
local fs, async = lagoon.fs, lagoon.async

local function open(path, mode)
  return assert(fs.open(path, mode))
end

local function code_of(...)
  return (select(3, ...))
end

pcall(ffi.cdef, [[
  void *mmap(void *addr, size_t size, int protection, int flags, int fd, long offset);
  int munmap(void *addr, size_t size);
]])

-- Two addresses: of memory with a text in it, and of where it ends, behind which there is none.
local function page_and_hole(text)
  local SIZE, READ_WRITE, PRIVATE_ANONYMOUS = 65536, 3, 0x22
  local page = ffi.C.mmap(nil, 2 * SIZE, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0)
  local good = tonumber(ffi.cast("uintptr_t", page))
  ffi.copy(page, text)
  assert.equal(0, ffi.C.munmap(ffi.cast("char *", page) + SIZE, SIZE))
  return good, good + SIZE
end

local function mkfifo(name)
  local path = helper.path(name)
  os.execute(("rm -f '%s'; mkfifo '%s'"):format(path, path))
  return path
end

describe("fs.open", function()
  it("says what is wrong, by name", function()
    local path = helper.path("nothing here")
    assert.same({ nil, "no such file or directory", "ENOENT" }, { fs.open(path) })
    assert.equal("ENOENT", code_of(fs.open(path, "r+")))
    assert.equal("ENOENT", code_of(fs.open(path .. "/inside", "w")))
    assert.equal("EISDIR", code_of(fs.open("/")))
    assert.equal("EISDIR", code_of(fs.open("/", "w")))
    assert.equal("ENOTDIR", code_of(fs.open("/dev/null/x")))
  end)

  it("says EACCES where that is so", function()
    local path = helper.file("locked", "x")
    os.execute("chmod 0 '" .. path .. "'")
    local file = io.open(path)
    if file then
      file:close() -- root may do anything
    else
      assert.equal("EACCES", code_of(fs.open(path)))
    end
    fs.remove(path)
  end)

  it("makes, empties and keeps files as its modes say", function()
    local path = helper.file("modes", "before")
    for _, case in ipairs {
      { "r+", "NEWore" }, { "w", "NEW" }, { "a", "NEWNEW" }, { "a+", "NEWNEWNEW" },
      { "w+b", "NEW" },
    } do
      local file = open(path, case[1])
      assert.equal(3, file:write("NEW"))
      assert.is_true(file:close())
      assert.equal(case[2], fs.read(path), case[1])
    end
    assert.equal("EEXIST", code_of(fs.open(path, "wx")))
    fs.remove(path)
    open(path, "wx"):close()
    assert.equal("", fs.read(path))
  end)

  it("raises for what is no mode or path", function()
    for _, mode in ipairs { "", "rw", "x", "rx", "+", 5 } do
      assert.is_truthy(helper.message_of(function() fs.open("x", mode) end):find("invalid mode"))
    end
    assert.is_truthy(helper.message_of(function() fs.open() end):find("a string expected"))
    assert.is_truthy(helper.message_of(function() fs.open("a\0b") end):find("without zero bytes"))
  end)
end)

describe("file:read", function()
  it("gives lines, with and without their ends, and what is left of the last one", function()
    local file = open(helper.file("lines", "one\ntwo\r\n\n\0four\nlast"))
    assert.equal("one", file:read("*l"))
    assert.equal("two\r\n", file:read("*L"))
    assert.equal("", file:read("l"))
    assert.equal("\0four", file:read("*l"))
    assert.equal("last", file:read("*L"))
    assert.same({}, { file:read("*l") })
    assert.equal("", file:read("*a"))
    file:close()
  end)

  it("gives so many bytes, some, and all", function()
    local text = ("0123456789abcdef"):rep(20000)
    local file = open(helper.file("bytes", text))
    assert.equal("", file:read(0))
    assert.equal("012", file:read(3))
    local some = file:read()
    assert.is_true(#some > 0)
    local at = 3 + #some
    assert.is_true(file:read(100000) == text:sub(at + 1, at + 100000))
    assert.is_true(file:read("*a") == text:sub(at + 100001))
    assert.is_nil(file:read())
    assert.is_nil(file:read(1))
    file:seek("set", #text - 2)
    assert.equal("ef", file:read(10))
    file:close()
  end)

  it("sees at its end what is appended later", function()
    local path = helper.file("growing", "a\n")
    local file, other = open(path), open(path, "a")
    assert.equal("a", file:read("*l"))
    assert.is_nil(file:read("*l"))
    other:write("b\n")
    assert.equal("b", file:read("*l"))
    file:close()
    other:close()
  end)

  it("has lines of any length, in a loop", function()
    local path, expected = helper.path("long lines"), {}
    local random = helper.random()
    for i = 1, 50 do
      expected[i] = ("x"):rep(random(5000) - 1) .. i
    end
    fs.write(path, table.concat(expected, "\n") .. "\n")
    local file, got = open(path), {}
    for line in file:lines() do
      got[#got + 1] = line
    end
    assert.same(expected, got)
    file:close()
  end)

  it("says what cannot be read", function()
    local file = open(helper.path("only written"), "w")
    assert.equal("EBADF", code_of(file:read()))
    file:close()
  end)

  it("raises for what is no format", function()
    local file = open("/dev/null")
    for _, format in ipairs { "x", "*n", -1, 1.5, "*line" } do
      assert.is_truthy(helper.message_of(function() file:read(format) end):find("invalid format"))
    end
    file:close()
  end)

  it("streams with flat memory", function()
    local size = helper.is_stress() and 1024 * 1024 * 1024 or 64 * 1024 * 1024
    local path = helper.path("sparse")
    os.execute(("truncate -s %d '%s'"):format(size, path))
    local file = open(path)
    local n, most = 0, 0
    for piece in function() return file:read(64 * 1024) end do
      n = n + #piece
      if n % (4 * 1024 * 1024) == 0 then
        collectgarbage()
        most = math.max(most, collectgarbage("count"))
      end
    end
    assert.equal(size, n)
    assert.is_true(most < 32 * 1024, most)
    file:close()
    fs.remove(path)
  end)
end)

describe("file:write", function()
  it("goes where the file stands, whatever was read ahead", function()
    local path = helper.file("both", "0123456789")
    local file = open(path, "r+")
    assert.equal("012", file:read(3))
    assert.equal(2, file:write("x", 7))
    assert.equal("56", file:read(2))
    assert.equal(7, file:seek())
    assert.equal(5, file:seek("cur", -2))
    assert.equal("567", file:read(3))
    assert.equal(8, file:seek("end", -2))
    assert.equal("89", file:read("*a"))
    assert.equal("EINVAL", code_of(file:seek("set", -1)))
    assert.equal("012x756789", fs.read(path))
    file:close()
  end)

  it("says how much is written when the disk is full", function()
    local file = open("/dev/full", "w")
    assert.same({ nil, "no space left on device", "ENOSPC", 0 }, { file:write("x") })
    file:close()
  end)

  -- Memory of a process is a file that fails where none is mapped, as a disk does at a bad block.
  it("says what a device says that fails, and how far it got", function()
    local EIO = { nil, "i/o error", "EIO" }
    local good, bad = page_and_hole("what is there")
    local file = open("/proc/self/mem", "r+")
    assert.same(EIO, { file:read(1) })
    assert.same(EIO, { file:read("*l") })
    assert.same({ nil, "i/o error", "EIO", 0 }, { file:write("x") })
    assert.same(EIO, { fs.read("/proc/self/mem") })
    file:seek("set", good)
    local data, err, code, partial = file:read("*a")
    assert.same(EIO, { data, err, code })
    assert.equal(bad - good, #partial)
    assert.equal("what is there", partial:sub(1, 13))
    file:seek("set", bad - 3)
    assert.same({ nil, "i/o error", "EIO", 3 }, { file:write("gone and not") })
    file:seek("set", bad - 3)
    assert.equal("gon", file:read())
    assert.same(EIO, { file:read() })
    file:close()
  end)

  it("appends for several, and keeps apart what they say", function()
    local path = helper.path("log")
    fs.remove(path)
    local files, group = { open(path, "a"), open(path, "a") }, lagoon.group()
    for i = 1, 4 do
      group:go(function()
        for j = 1, 20 do
          assert(files[i % 2 + 1]:write(("%d %d\n"):format(i, j)))
        end
      end)
    end
    group:wait()
    files[1]:close()
    files[2]:close()
    local last = { 0, 0, 0, 0 }
    for line in io.lines(path) do
      local i, j = line:match("^(%d) (%d+)$")
      i, j = tonumber(i), tonumber(j)
      assert.equal(last[i] + 1, j)
      last[i] = j
    end
    assert.same({ 20, 20, 20, 20 }, last)
  end)
end)

describe("a file", function()
  it("tells what it is, also when it has another name by now", function()
    local path = helper.file("five", "12345")
    local file = open(path, "r+")
    fs.remove(path)
    local stat = file:stat()
    assert.equal("file", stat.type)
    assert.equal(5, stat.size)
    assert.is_true(file:sync())
    assert.is_truthy(tostring(file):find("^file: "))
    file:close()
  end)

  it("is done with when it is closed", function()
    local file = open("/dev/null", "r+")
    assert.is_true(file:close())
    for _, method in ipairs { "close", "read", "write", "seek", "sync", "stat" } do
      local result, err = file[method](file)
      assert.same({ nil, "closed" }, { result, err }, method)
    end
  end)

  it("does one call after the other, in their order", function()
    local file = open(helper.file("order", ("0123456789"):rep(100)))
    local tasks = {}
    for i = 1, 50 do
      tasks[i] = async(file.read, file, 10)
      if i % 10 == 0 then
        lagoon.yield()
      end
    end
    for i = 1, 50 do
      assert.equal("0123456789", tasks[i]:wait())
    end
    assert.equal(500, file:seek())
    file:close()
  end)

  it("is closed behind what is under way, and those in line hear of it", function()
    local path = helper.path("closing")
    local file = open(path, "w")
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = async(file.write, file, ("x"):rep(1000000))
      lagoon.yield()
    end
    assert.is_true(file:close())
    local size, n = fs.stat(path).size, 0
    for i = 1, 3 do
      local written, err = tasks[i]:wait()
      assert.is_true(written == 1000000 or err == "closed", err)
      n = n + (written or 0)
    end
    assert.equal(size, n)
    assert.equal(size, fs.stat(path).size)
  end)

  it("is not begun with by who is cancelled, but closed", function()
    local path = helper.path("cancelled")
    fs.remove(path)
    local file = open(path, "w")
    local closed
    local task = async(function()
      lagoon.self():cancel()
      local ok = pcall(file.write, file, "x")
      lagoon.self():cancel("once more")
      closed = file:close()
      return ok
    end)
    pcall(task.wait, task)
    assert.equal("", fs.read(path))
    if closed == nil then
      file:close() -- it made room, and was told before it had begun
    end
    assert.equal("closed", (select(2, file:close())))
  end)

  it("that nobody holds any more is closed", function()
    do
      local file = open("/dev/null")
      file:read()
    end -- the guard counts descriptors
  end)

  it("cannot be sent to another Lua state, which opens its own", function()
    local path = helper.file("shared", "in parallel\n")
    local file = open(path)
    local message = helper.error_of(function()
      helper.parallel(function(f) return f end, file)
    end)
    assert.is_truthy(tostring(message):find("cannot send a file"))
    file:close()
    local line = helper.parallel(function(from)
      local own = require("lagoon").fs.open(from)
      return own:read("*l"), own:close()
    end, path):wait()
    assert.equal("in parallel", line)
  end)

  it("is refused outside a goroutine's reach: in a finaliser", function()
    local message
    getmetatable(newproxy(true)).__gc = function()
      message = select(2, pcall(fs.open, "/dev/null"))
    end
    helper.settle(function()
      collectgarbage()
      return message
    end)
    assert.is_truthy(message:find("cannot block inside a __gc metamethod"))
  end)
end)

describe("a call on a file that is under way", function()
  it("does not keep a program or a Lua state from ending", function()
    local path = mkfifo("without end")
    local child = helper.script([[
      local lagoon = require "lagoon"
      lagoon.go(lagoon.fs.open, arg[1]) -- waits for the other end
      lagoon.go(function()
        local file = lagoon.fs.open("/dev/null", "w")
        while true do file:write(("x"):rep(1000000)) end
      end)
      lagoon.parallel(function(path)
        local lagoon = require "lagoon"
        local file = lagoon.fs.open(path, "r+")
        lagoon.go(file.read, file)
        return "in parallel"
      end, arg[1]):wait()
      io.write("over\n")
    ]], { args = { path } })
    assert.equal("", child.err)
    assert.equal(0, child.status)
    assert.equal("over\n", child.out)
  end)
end)

describe("a fifo that is opened", function()
  it("is a stream: who waits takes no thread, and can be cancelled", function()
    local path = mkfifo("stream")
    local readers = {}
    local files = {}
    for i = 1, 6 do -- more than libuv has threads
      files[i] = open(path, "r+")
      readers[i] = helper.parked(async(files[i].read, files[i], "*l"))
    end
    assert.equal("through", fs.read(helper.file("meanwhile", "through")))
    for i = 2, 6 do
      readers[i]:cancel("enough")
      assert.equal("enough", helper.error_of(readers[i].wait, readers[i]))
      assert.is_true(files[i]:close())
    end
    files[1]:write("a line\n")
    assert.equal("a line", readers[1]:wait())
    assert.equal("fifo", files[1]:stat().type)
    assert.equal("ESPIPE", code_of(files[1]:seek()))
    assert.equal("EINVAL", code_of(files[1]:sync()))
    local reader = helper.parked(async(files[1].read, files[1]))
    files[1]:close()
    assert.same({ nil, "closed" }, { reader:wait() })
    assert.same({ nil, "closed" }, { files[1]:stat() })
    fs.remove(path)
  end)

  it("waits for its other end, and hears of its end", function()
    local path = mkfifo("two ends")
    local opener = helper.parked(async(fs.open, path, "w"))
    local file = open(path)
    local other = opener:wait()
    other:write("all of it")
    other:close()
    assert.equal("all of it", file:read("*a"))
    file:close()
    fs.remove(path)
  end)
end)
