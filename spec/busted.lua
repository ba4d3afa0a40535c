-- SPDX-License-Identifier: MIT
--
-- Runs Lua specs with busted inside lagoon, so that a spec may block:
--
--     build/release/lagoon spec/busted.lua [--only TEXT] [--stress] [--race-order] [--seed N]
--         [path]...
--
-- With --race-order each `it` is preempted at random instructions, which follow from the seed and
-- from its name. Specs of stress, of browsers and of peers are left out, and --stress asks for no
-- more rounds.
--
-- Paths are specs or folders of them; without any, all below spec/. A stock luajit that finds
-- lagoon.so through LUA_CPATH does, too. The last line is "N passed, N failed".

-- Where Debian has busted; our own LuaJIT may look elsewhere.
package.path = table.concat({
  package.path, "/usr/share/lua/5.1/?.lua", "/usr/share/lua/5.1/?/init.lua", "./spec/?.lua",
}, ";")
package.cpath = table.concat({
  package.cpath, "/usr/lib/x86_64-linux-gnu/lua/5.1/?.so",
  "/usr/lib/aarch64-linux-gnu/lua/5.1/?.so",
}, ";")

local settings = { only = nil, paths = {}, excludes = {} }

local function read_arguments(words)
  local i = 1
  while words[i] do
    if words[i] == "--only" then
      i = i + 1
      settings.only = words[i]
    elseif words[i] == "--seed" then
      i = i + 1
      settings.seed = tonumber(words[i])
    elseif words[i] == "--stress" then
      settings.is_stress = true
    elseif words[i] == "--race-order" then
      settings.race_order = true
    elseif words[i] == "--verbose" then
      settings.is_verbose = true
    elseif words[i]:sub(1, 2) == "--" then
      io.stderr:write("spec/busted.lua: unknown argument '", words[i], "'\n")
      os.exit(1)
    else
      settings.paths[#settings.paths + 1] = words[i]
    end
    i = i + 1
  end
  if not settings.paths[1] then
    settings.paths[1] = "spec"
  end
  if settings.race_order then
    settings.is_stress = false
    settings.excludes = { "stress", "browser", "peers" }
  end
end

-- Counts, and says what failed as it happens: a suite that dies later has said it.
local function listen(busted, counts)
  local function full_name(element)
    local name = element.name or element.descriptor
    local parent = busted.context.parent(element)
    while parent and parent.name and parent.descriptor ~= "file" do
      name = parent.name .. " " .. name
      parent = busted.context.parent(parent)
    end
    return name
  end
  local function fail(element, _, message, trace)
    counts.failed = counts.failed + 1
    local place = trace and trace.short_src and trace.short_src .. ":" .. trace.currentline
    io.write("\nFAIL ", full_name(element), place and "\n  " .. place or "", "\n  ",
      (tostring(message):gsub("\n", "\n  ")), "\n")
    io.flush()
    return nil, true
  end
  busted.subscribe({ "failure" }, fail)
  busted.subscribe({ "error" }, fail)
  busted.subscribe({ "test", "end" }, function(element, _, status)
    if status == "success" then
      counts.passed = counts.passed + 1
    elseif status == "pending" then
      io.write("pending: ", full_name(element), "\n")
    end
    if settings.is_verbose then
      io.write(("%-8s %6.2f s  %s\n"):format(status, element.duration or 0, full_name(element)))
      io.flush()
    end
    return nil, true
  end)
end

-- The names of all that a test is in, and its own.
local function path_of(busted, name)
  local element, path = busted.context.get(), name
  while element do
    path = tostring(element.name) .. " " .. path
    element = busted.context.parent(element)
  end
  return path
end

local function run()
  if settings.race_order then
    local raceorder = require "lagoon.test.raceorder" -- before the first task: its state follows
    raceorder.without_compiler()
    raceorder.stop()
  end
  local helper = require "helper"
  helper.configure(settings)
  local busted = require "busted.core"()
  require "busted"(busted)
  local counts = { passed = 0, failed = 0 }
  listen(busted, counts)
  local it = busted.executors.it
  busted.export("it", function(name, body)
    local path = path_of(busted, name)
    if not settings.only or path:find(settings.only, 1, true) then
      return it(name, helper.guard(body, path))
    end
  end)
  local load_files = require "busted.modules.test_file_loader"(busted, { "lua" })
  load_files(settings.paths, { "_spec" }, { excludes = settings.excludes, recursive = true })
  require "busted.execute"(busted)(1, {})
  io.write(("%d passed, %d failed\n"):format(counts.passed, counts.failed))
  io.flush()
  os.exit((counts.failed > 0 or counts.passed == 0) and 1 or 0)
end

read_arguments(arg)
local lagoon = require "lagoon"
if lagoon.self() then
  run()
else
  settings.is_hosted = true
  if settings.race_order then
    io.stderr:write("spec/busted.lua: --race-order is for specs inside the program lagoon\n")
    os.exit(1)
  end
  lagoon.run(run)
end
