-- SPDX-License-Identifier: MIT
--
-- fs.watch: what happens to files, as events.
local helper = require "helper"
local lagoon = require "lagoon"

local fs, async = lagoon.fs, lagoon.async

-- Receives until an event of a kind comes, of a name.
local function await(events, kind, name)
  repeat
    local event = assert(events:recv())
  until event.kind == kind and event.name == name
end

local function folder(name)
  local path = helper.path(name)
  os.execute(("rm -rf '%s'; mkdir '%s'"):format(path, path))
  return path
end

describe("fs.watch", function()
  it("tells of what comes, changes and goes in a directory", function()
    local path = folder("watched")
    local events = assert(fs.watch(path))
    fs.write(path .. "/one", "x")
    await(events, "rename", "one")
    await(events, "change", "one")
    fs.rename(path .. "/one", path .. "/two")
    await(events, "rename", "two")
    fs.remove(path .. "/two")
    await(events, "rename", "two")
    fs.unwatch(events)
    assert.is_nil(events:recv())
  end)

  it("tells of a file what is written to it, by its own name", function()
    local path = helper.file("followed", "")
    local events = assert(fs.watch(path))
    local file = assert(fs.open(path, "a"))
    file:write("more")
    await(events, "change", "followed")
    file:close()
    fs.unwatch(events)
  end)

  it("says what is wrong, by name", function()
    assert.same({ nil, "no such file or directory", "ENOENT" }, { fs.watch(helper.path("none")) })
    assert.is_truthy(helper.message_of(function() fs.watch() end):find("a string expected"))
    assert.is_truthy(helper.message_of(function() fs.watch("a\0b") end):find("without zero bytes"))
  end)

  it("watches one thing for several, each to its end", function()
    local path = folder("for two")
    local one, two = assert(fs.watch(path)), assert(fs.watch(path))
    fs.write(path .. "/first", "x")
    await(one, "rename", "first")
    await(two, "rename", "first")
    fs.unwatch(one)
    fs.unwatch(one)
    fs.write(path .. "/second", "x")
    await(two, "rename", "second")
    fs.unwatch(two)
  end)

  it("keeps some for who is slow, and tells of the rest", function()
    local path = folder("busy")
    local events = assert(fs.watch(path))
    for i = 1, 1200 do
      local file = io.open(path .. "/" .. i, "w")
      file:close()
    end
    fs.write(path .. "/the end", "x") -- what is behind this has been heard of
    local n, event = 0
    repeat
      event = assert(events:recv())
      n = n + 1
    until event.kind == "overflow" or event.name == "the end"
    assert.equal("overflow", event.kind)
    assert.is_true(n <= 1200)
    fs.write(path .. "/after", "x")
    await(events, "rename", "after")
    fs.unwatch(events)
  end)

  it("goes on after the system has lost events", function()
    local path = folder("flooded")
    local events = assert(fs.watch(path))
    local rename = [[for _ = 1, 4500 do os.rename(arg[1], arg[2]) os.rename(arg[2], arg[1]) end]]
    fs.write(path .. "/a", "x")
    -- Two events for each; meanwhile the state and its loop stand still.
    local child = helper.child { helper.program, helper.file("rename.lua", rename), path .. "/a",
      path .. "/b" }
    assert.equal("", child.err)
    local n, has_lost = 0, false
    fs.write(path .. "/the end", "x") -- which may be lost as well
    repeat
      local event = assert(events:recv())
      n = n + 1
      has_lost = has_lost or event.kind == "overflow"
    until has_lost
    assert.is_true(n <= 1200)
    fs.write(path .. "/after", "x")
    await(events, "rename", "after")
    fs.unwatch(events)
  end)

  it("ends when somebody else closes the channel", function()
    local path = folder("closed")
    local events = assert(fs.watch(path))
    events:close()
    fs.write(path .. "/one", "x") -- it hears of that
  end)

  for _, ending in ipairs { "cancel", "kill" } do
    it("ends, and closes its channel, with the group in which it began: " .. ending, function()
      local path = folder("in a group")
      for _, has_begun in ipairs { true, false } do
        local group, events = lagoon.group(), nil
        group:go(function()
          events = assert(fs.watch(path))
          if not has_begun then
            group[ending](group)
          end
        end)
        group:wait()
        helper.quiet()
        group[ending](group)
        local task = async(events.recv, events)
        assert.same({ nil, false }, { task:wait(10) })
      end
    end)
  end

  it("works in parallel tasks", function()
    local path = folder("parallel")
    local kind = helper.parallel(function(where)
      local own = require("lagoon").fs
      local events = assert(own.watch(where))
      own.write(where .. "/one", "x")
      local event = events:recv()
      own.unwatch(events)
      return event.kind .. " " .. event.name
    end, path):wait()
    assert.equal("rename one", kind)
  end)
end)
