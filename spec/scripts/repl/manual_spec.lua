-- SPDX-License-Identifier: MIT
local lagoon = require "lagoon"
local core = require "lagoon.core"
local luacats = require "lagoon.repl.luacats"
local manual = require "lagoon.repl.manual"

local MODULES = { "net", "fs", "process", "signal", "context", "runtime", "http" }

local function is_method_table(t)
  return type(t) == "table" and next(t) ~= nil
end

-- Calls visit(path, container, name) for each public function: of the module and those in it, and
-- of the classes, whose objects have them.
local function each_public(visit)
  local function each_in(path, container, methods)
    for name, value in pairs(methods) do
      if type(value) == "function" and not name:find "^_" then
        visit(path .. name, container, name, value)
      end
    end
  end
  each_in("lagoon.", lagoon, lagoon)
  for _, name in ipairs(MODULES) do
    each_in("lagoon." .. name .. ".", lagoon[name], lagoon[name])
  end
  for kind, class in pairs(core.classes) do
    if is_method_table(rawget(class, "__index")) then
      each_in(kind .. ":", class.__index, class.__index)
    end
  end
  local objects = { group = lagoon.group(), context = lagoon.context.background() }
  for kind, object in pairs(objects) do
    each_in(kind .. ":", object, getmetatable(object).__index)
  end
end

local function text_of(value, container, name)
  local found = manual.find(value, container, name)
  return found and luacats.describe(found).text
end

describe("repl.manual", function()
  it("knows every public function", function()
    local n = 0
    each_public(function(path, container, name, value)
      n = n + 1
      local text = text_of(value, container, name)
      assert(text and text:find "%a", path .. " is not documented")
    end)
    assert.is_true(n > 150, n)
  end)

  it("knows every function that the reference names", function()
    local known = {}
    each_public(function(_, _, name)
      known[name] = true
    end)
    -- Of objects that are made by a connection or a request; they are found by their lines.
    for _, entry in ipairs(manual.entries()) do
      known[entry.name] = #entry.comment > 0 or known[entry.name]
    end
    local n = 0
    for line in io.lines "docs/reference/lua.md" do
      local cell = line:match "^| (`.-) |" or ""
      for path in cell:gmatch "`([%l_.:]+)%(" do
        if not path:find "^io%." and not path:find "^os%." then
          n = n + 1
          assert(known[path:match "[%l_]+$"], path .. ", in " .. cell)
        end
      end
    end
    assert.is_true(n > 100, n)
  end)

  it("tells a class of its parents' methods", function()
    local File = core.classes.file.__index
    assert.equal("lagoon.File", manual.class_of(File).name)
    assert.matches("^Moves to a position", text_of(File.seek, File, "seek"))
    assert.matches("^Reads: without a format", text_of(File.read, File, "read"))
  end)

  it("finds what a fast twin has replaced, and what only a class lists", function()
    local ch, mutex = lagoon.chan(1), lagoon.mutex()
    assert.matches("^Sends one value; waits", text_of(ch.send, ch, "send"))
    assert.matches("^Sends one value; waits", text_of(ch.send))
    assert.matches("^waits until nobody has it", text_of(mutex.lock, mutex, "lock"))
    assert.matches("^Waits until one of several", text_of(lagoon.select))
  end)

  it("tells twins in C by the name that they were found under", function()
    local socket = core.classes["datagram socket"].__index
    assert.equal(socket.addr, socket.local_addr)
    assert.matches("^The same", text_of(socket.local_addr, socket, "local_addr"))
    assert.matches("^The address", text_of(socket.addr, socket, "addr"))
  end)

  it("knows modules by their values", function()
    assert.equal("lagoon.fs", manual.module_of(lagoon.fs))
    assert.equal("lagoon", manual.module_of(lagoon))
    assert.is_nil(manual.module_of({}))
    assert.is_nil(manual.module_of(nil))
    assert.matches("^lagoon%.fs: files", manual.head("lagoon.fs")[1])
  end)

  it("says nothing about what is none of ours", function()
    assert.is_nil(manual.find(print))
    assert.is_nil(manual.find(function() end, {}, "f"))
    assert.is_nil(manual.find(nil, lagoon, "nothing"))
    assert.is_nil(manual.class_of({ print = print }))
  end)
end)
