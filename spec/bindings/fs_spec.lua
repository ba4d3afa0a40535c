-- SPDX-License-Identifier: MIT
--
-- lagoon.fs: files, while the others run.
local helper = require "helper"
local lagoon = require "lagoon"

local fs = lagoon.fs

describe("fs", function()
  it("writes files and reads them, whatever is in them", function()
    local path = helper.path("some file")
    for _, text in ipairs { "", "text\0with zeros\n", ("0123456789"):rep(100000) } do
      assert.is_true(fs.write(path, text))
      assert.is_true(fs.read(path) == text)
    end
    assert.is_true(fs.remove(path))
  end)

  it("reads what has no size of its own", function()
    assert.is_truthy(fs.read("/proc/self/status"):find("^Name:"))
  end)

  it("says what is wrong, by name", function()
    local path = helper.path("nothing here")
    assert.same({ nil, "no such file or directory", "ENOENT" }, { fs.read(path) })
    assert.equal("ENOENT", (select(3, fs.stat(path))))
    assert.equal("ENOENT", (select(3, fs.list(path))))
    assert.equal("ENOENT", (select(3, fs.remove(path))))
    assert.equal("ENOENT", (select(3, fs.rename(path, path .. "x"))))
    assert.equal("ENOENT", (select(3, fs.write(path .. "/inside", "x"))))
    assert.equal("EISDIR", (select(3, fs.read("/"))))
  end)

  it("makes, lists, renames and removes", function()
    local folder = helper.path("folder")
    assert.is_true(fs.mkdir(folder))
    assert.equal("EEXIST", (select(3, fs.mkdir(folder))))
    assert.same({}, fs.list(folder))
    for _, name in ipairs { "c", "a", "b" } do
      fs.write(folder .. "/" .. name, name)
    end
    assert.same({ "a", "b", "c" }, fs.list(folder))
    assert.is_true(fs.rename(folder .. "/a", folder .. "/d"))
    assert.equal("a", fs.read(folder .. "/d"))
    assert.equal("ENOTEMPTY", (select(3, fs.remove(folder))))
    for _, name in ipairs(fs.list(folder)) do
      assert.is_true(fs.remove(folder .. "/" .. name))
    end
    assert.is_true(fs.remove(folder))
  end)

  it("tells what something is", function()
    local path = helper.file("five", "12345")
    local stat = fs.stat(path)
    assert.equal("file", stat.type)
    assert.equal(5, stat.size)
    assert.is_true(math.abs(stat.mtime - os.time()) < 1000)
    assert.equal("directory", fs.stat("/").type)
  end)

  it("raises for what is no path", function()
    assert.is_truthy(helper.message_of(function() fs.read() end):find("a string expected"))
    assert.is_truthy(helper.message_of(function() fs.read("a\0b") end):find("without zero bytes"))
    assert.is_truthy(helper.message_of(function() fs.write("x", {}) end):find("a string expected"))
  end)

  it("lets the others run meanwhile: a pipe that nobody writes to blocks one goroutine", function()
    local path = helper.path("pipe")
    os.execute("rm -f " .. path .. "; mkfifo " .. path)
    local reader = helper.parked(lagoon.async(fs.read, path))
    lagoon.sleep(0.001)
    assert.equal("waiting", reader:status())
    assert.is_true(fs.write(path, "through the pipe"))
    assert.equal("through the pipe", reader:wait())
    fs.remove(path)
  end)

  it("is not begun by who is cancelled, and ended by nobody", function()
    local path = helper.file("left", "here")
    local task = lagoon.async(function()
      lagoon.self():cancel("before")
      return fs.remove(path)
    end)
    assert.is_false((pcall(task.wait, task)))
    assert.equal("here", fs.read(path))
    local pipe = helper.path("pipe")
    os.execute("rm -f '" .. pipe .. "'; mkfifo '" .. pipe .. "'")
    local other = helper.parked(lagoon.async(fs.read, pipe))
    other:cancel("while")
    assert.equal("waiting", other:status())
    assert.is_true(fs.write(pipe, "there"))
    assert.equal("there", other:wait())
    fs.remove(pipe)
    fs.remove(path)
  end)

  it("works many at a time, in other states, too", function()
    local path = helper.file("shared", "all the same")
    local group = lagoon.group()
    for _ = 1, 50 do
      group:go(function()
        assert(fs.read(path) == "all the same")
      end)
    end
    group:wait()
    local text = helper.parallel(function(from)
      return require("lagoon").fs.read(from)
    end, path):wait()
    assert.equal("all the same", text)
  end)

  it("that is under way does not keep a program from ending", function()
    local path = helper.path("pipe without end")
    os.execute("rm -f '" .. path .. "'; mkfifo '" .. path .. "'")
    local child = helper.script([[
      local lagoon = require "lagoon"
      lagoon.go(lagoon.fs.read, arg[1])
      lagoon.sleep(0.01)
      io.write("over\n")
    ]], { args = { path } })
    assert.equal("", child.err)
    assert.equal(0, child.status)
    assert.equal("over\n", child.out)
  end)
end)
