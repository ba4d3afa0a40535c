-- SPDX-License-Identifier: MIT
--
-- What specs share: waiting for a state, child processes, luck that can be repeated, and the
-- guard around every `it`: a time limit, and a check that nothing is left behind.
local lagoon = require "lagoon"
local core = require "lagoon.core"

local helper = {}

local settings = {}
local slowness = tonumber(os.getenv("LAGOON_SPEC_SLOWNESS")) or 1

-- Made once, when they are first asked for: a context that has a channel, and the goroutine that
-- frees what states have shared.
lagoon.context.background():done()
pcall(function()
  lagoon.parallel(function() end, lagoon.chan()):wait()
  lagoon.runtime.gc()
end)

---Called by the runner.
function helper.configure(given)
  settings = given
  settings.seed = settings.seed or tonumber(os.getenv("LAGOON_SEED")) or os.time()
  if settings.race_order then
    io.write("race order, seed ", settings.seed, "\n")
    io.flush()
  end
end

-- Bodies that --race-order leaves alone, by what they need instead.
local unpreempted = setmetatable({}, { __mode = "k" })
local sliced = setmetatable({}, { __mode = "k" })

---A body for `it` about the order in which goroutines come: each of this state runs until it waits,
---whatever --race-order says, and when its slice is over.
---@param reason string
---@param body fun()
---@return fun()
function helper.unpreempted(reason, body)
  unpreempted[body] = reason
  return body
end

---A body for `it` about slices, or about hooks: --race-order has no points in it.
---@param reason string
---@param body fun()
---@return fun()
function helper.sliced(reason, body)
  sliced[body] = reason
  return body
end

-- ---------------------------------------------------------------------------------------------
-- Waiting for a state, never for a time
-- ---------------------------------------------------------------------------------------------

---Lets the others run until the condition holds; raises if it never does.
---@param condition fun(): any
---@param what? string
function helper.settle(condition, what)
  local limit = lagoon.now() + 5 * slowness
  local result = condition()
  while not result do
    if lagoon.now() > limit then
      error("did not settle: " .. (what or "condition") .. "\n" .. lagoon.runtime.stack(true), 2)
    end
    lagoon.yield()
    result = condition()
  end
  return result
end

---Settles until a task waits.
---@param ... table  tasks
function helper.parked(...)
  for _, task in ipairs { ... } do
    helper.settle(function()
      local status = task:status()
      if status ~= "waiting" and status ~= "ready" and status ~= "running" then
        error("the task is " .. status, 4)
      end
      return status == "waiting"
    end, "the task waits")
  end
  return ...
end

---Lets the others run until each of them waits.
---@param nbusy? integer  but for so many
function helper.quiet(nbusy)
  helper.settle(function()
    local left = (nbusy or 0) + 1 -- the one that asks
    for _, goroutine in ipairs(lagoon.runtime.goroutines()) do
      left = left - (goroutine.status == "waiting" and 0 or 1)
    end
    return left >= 0
  end, "the others wait")
end

---How many goroutines wait; with a reason: for that.
---@param reason? string
---@return integer
function helper.waiting(reason)
  local n = 0
  for _, goroutine in ipairs(lagoon.runtime.goroutines()) do
    if goroutine.status == "waiting" and (not reason or goroutine.wait_reason == reason) then
      n = n + 1
    end
  end
  return n
end

---The error that a call raises; fails if it raises none.
---@param f function
---@return any
function helper.error_of(f, ...)
  local ok, err = pcall(f, ...)
  if ok then
    error("expected an error, there was none", 2)
  end
  return err
end

---The message of that error, without its position, which must be the spec's own.
---@param f function
---@return string
function helper.message_of(f, ...)
  local err = helper.error_of(f, ...)
  local file, message = tostring(err):match("^(.-):%d+: (.*)$")
  if not file or not file:find("_spec.lua$") then
    error("the error has not the spec's position: " .. tostring(err), 2)
  end
  return message
end

---As lagoon.parallel, for functions of a spec, whose environment is busted's own.
---@param f function
---@param ... any
---@return table task
function helper.parallel(f, ...)
  return lagoon.parallel(setfenv(f, getfenv(0)), ...)
end

-- ---------------------------------------------------------------------------------------------
-- Load and luck
-- ---------------------------------------------------------------------------------------------

---@return boolean
function helper.is_stress()
  return settings.is_stress or false
end

---So many rounds in the release build; fewer in slow ones, ten times as many under --stress.
---@param n integer
---@return integer
function helper.rounds(n)
  return math.max(1, math.floor(n / slowness) * (settings.is_stress and 10 or 1))
end

---A function like math.random, repeatable by --seed.
---@param salt? integer
---@return fun(a: integer, b?: integer): integer
function helper.random(salt)
  local state = (settings.seed + (salt or 0) * 7919) % 2147483647
  if state <= 0 then
    state = 1
  end
  return function(low, high)
    if not high then
      low, high = 1, low
    end
    state = state * 16807 % 2147483647 -- exact in a double
    return low + math.floor(state / 2147483647 * (high - low + 1))
  end
end

---@return integer
function helper.seed()
  return settings.seed
end

-- ---------------------------------------------------------------------------------------------
-- Child processes
-- ---------------------------------------------------------------------------------------------

local folder

---A path in a folder of this process's own.
---@param name string
---@return string
function helper.path(name)
  if not folder then
    local pipe = assert(io.popen("mktemp -d -t lagoon-spec.XXXXXX"))
    folder = pipe:read("*l")
    pipe:close()
  end
  return folder .. "/" .. name
end

---Writes a file there and returns its path.
---@param name string
---@param text string
---@return string
function helper.file(name, text)
  local path = helper.path(name)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

local function slurp(path)
  local file = io.open(path, "rb")
  local text = file and file:read("*a") or ""
  if file then
    file:close()
  end
  return text
end

local function quote(word)
  return "'" .. tostring(word):gsub("'", "'\\''") .. "'"
end

---The program under test.
helper.program = os.getenv("LAGOON_BIN") or "build/release/lagoon"
---The library under test, for a stock luajit.
helper.library = os.getenv("LAGOON_SO") or "build/release/lagoon.so"

---Whether the specs run in a host, where Lua's own functions stay as they are, and not in the
---program.
---@return boolean
function helper.is_hosted()
  return settings.is_hosted or false
end

---Whether there is a stock luajit, and a library for it.
---@return boolean
function helper.has_host()
  return os.execute("command -v luajit >/dev/null && [ -f " .. helper.library .. " ]") == 0
end

---@class helper.Child
---@field status integer  of exit; over 128: of a signal; 124: it hung
---@field out string
---@field err string

---Runs a program and waits for it. opts: stdin, env, shell (words in front of the program).
---@param words string[]
---@param opts? table
---@return helper.Child
function helper.child(words, opts)
  opts = opts or {}
  local command = { "cd", quote(opts.cwd or "."), "&&", "env", "-u", "LUA_INIT",
    "-u", "LAGOON_PROCS", "-u", "LAGOON_GC", "-u", "LAGOON_MEMLIMIT", "-u", "LAGOON_MEMCAP",
    "-u", "LAGOON_DEBUG" }
  for name, value in pairs(opts.env or {}) do
    command[#command + 1] = quote(name .. "=" .. value)
  end
  command[#command + 1] = ("timeout -k 5 %d"):format(opts.limit or 10 * math.max(slowness, 2))
  for _, word in ipairs(words) do
    command[#command + 1] = quote(word)
  end
  local stdin = opts.stdin and helper.file("stdin", opts.stdin) or "/dev/null"
  local line = ("( %s ) <%s >%s 2>%s; echo $? >%s"):format(table.concat(command, " "), stdin,
    helper.path("out"), helper.path("err"), helper.path("status"))
  os.execute(line)
  return {
    status = tonumber(slurp(helper.path("status"))),
    out = slurp(helper.path("out")),
    err = slurp(helper.path("err")),
  }
end

---Runs a text in a stock luajit that finds our library, as child() does.
---@param text string
---@param opts? table
---@return helper.Child
function helper.hosted(text, opts)
  local prefix = ("package.cpath = %q\n"):format((helper.library:gsub("lagoon%.so$", "?.so")))
  return helper.child({ "luajit", helper.file("host.lua", prefix .. text) }, opts)
end

---A body for `it` that passes where there is no such host.
---@param body fun()
---@return fun()
function helper.with_host(body)
  return function()
    if helper.has_host() then
      body()
    end
  end
end

---Runs the program with arguments.
---@param words string[]
---@param opts? table
---@return helper.Child
function helper.lagoon(words, opts)
  return helper.child({ helper.program, unpack(words) }, opts)
end

---Runs the program with a script.
---@param text string
---@param opts? table  also args: the script's
---@return helper.Child
function helper.script(text, opts)
  local path = helper.file("script.lua", text)
  return helper.lagoon({ path, unpack(opts and opts.args or {}) }, opts)
end

-- ---------------------------------------------------------------------------------------------
-- The guard around every `it`
-- ---------------------------------------------------------------------------------------------

local LIMIT_S = 20

local ffi = require "ffi"
pcall(ffi.cdef, [[
  struct lagoon_spec_dirent {
    uint64_t ino; int64_t off; uint16_t reclen; uint8_t type; char name[256];
  };
  void *opendir(const char *path);
  struct lagoon_spec_dirent *readdir(void *dir);
  int closedir(void *dir);
  long readlink(const char *path, char *buf, size_t size);
]])

-- Open descriptors, but what loops have for their life: eventfds and the like, and a pipe.
local function descriptors()
  local dir = ffi.C.opendir("/proc/self/fd")
  if dir == nil then
    return 0
  end
  local n, buffer = 0, ffi.new("char[64]")
  while true do
    local entry = ffi.C.readdir(dir)
    if entry == nil then
      break
    end
    local length = ffi.C.readlink("/proc/self/fd/" .. ffi.string(entry.name), buffer, 64)
    local what = length > 0 and ffi.string(buffer, length) or "anon_inode:"
    if not what:find("^anon_inode:") and not what:find("^pipe:") then
      n = n + 1
    end
  end
  ffi.C.closedir(dir)
  return n
end

local function counts()
  local stats = lagoon.runtime.stats and lagoon.runtime.stats() or {}
  return {
    goroutines = lagoon.runtime.num_goroutine(),
    channels = stats.channels or 0,
    stacks = (stats.stacks or 0) - (stats.threads or 0), -- a thread has one to schedule on
    timers = stats.timers or 0,
    descriptors = descriptors(),
  }
end

local function nstates()
  return lagoon.runtime.stats().states.alive
end

-- Overwrites what dead calls have left on the Lua stack: the collector takes it for alive.
local function scrub()
  return select("#", unpack({}, 1, 240))
end

local function excess(before)
  for name, n in pairs(counts()) do
    if n > before[name] then
      return ("%d %s"):format(n - before[name], name)
    end
  end
end

local function collect_here()
  scrub()
  collectgarbage()
  collectgarbage()
end

---Collects what nobody holds any more, in all states; also what only our own compiled loops hold.
function helper.collect()
  jit.flush()
  collect_here()
  lagoon.runtime.gc()
end

-- What several states have shared, the core's collector frees, when all of them have let go.
local function leftover(before)
  local http = rawget(lagoon, "http")
  if http then
    http.close_idle() -- the client keeps connections
  end
  collect_here()
  if excess(before) then
    lagoon.runtime.gc()
  end
  return excess(before)
end

local flush_and_wait = setfenv(function(gate)
  jit.flush()
  gate:wait()
end, getfenv(0))

-- Compiled loops keep the objects that they were compiled for, in the workers, too. Each task has a
-- state alone, and all wait at once: else those that end soon share the state that was free last,
-- and the others keep theirs. A state in which something still runs is passed over, and another one
-- made: so at most so many.
local function flush(nstates_max)
  jit.flush()
  local gate, tasks = lagoon.waitgroup(), {}
  gate:add(1)
  for i = 1, math.min(nstates(), nstates_max) do
    tasks[i] = core.parallel_alone(flush_and_wait, gate)
  end
  helper.parked(unpack(tasks))
  gate:done()
  for _, task in ipairs(tasks) do
    task:wait()
  end
end

local function check_leaks(before)
  local limit = lagoon.now() + 5 * slowness
  local left = leftover(before)
  local nstates_max = left and 2 * nstates()
  while left do
    if lagoon.now() > limit then
      error("left behind: " .. left .. "\n" .. lagoon.runtime.stack(true), 0)
    end
    flush(nstates_max)
    lagoon.runtime.gc() -- what several states could hold is the core's
    lagoon.yield()
    left = leftover(before)
  end
end

-- Without the frames of the guard and of busted below it.
local function own_frames(trace)
  return (trace:gsub("\n%s*%[C%]: in function 'xpcall'%s*\n%s*[^\n]*helper%.lua.*$", ""))
end

-- As xpcall; with --race-order, at random points of this name.
local function run_body(body, handler, name)
  local ok, err
  if unpreempted[body] then
    core.test_hold(true)
    ok, err = xpcall(body, handler)
    core.test_hold(false)
  elseif settings.race_order and name and not sliced[body] then
    local raceorder = require "lagoon.test.raceorder"
    raceorder.start(settings.seed, name)
    ok, err = xpcall(body, handler)
    raceorder.stop()
  else
    return xpcall(body, handler)
  end
  return ok, err
end

---Gives a body a time limit and a check for what it leaves behind. The runner does so with each.
---@param body function
---@param name? string  of the test, for --race-order
---@return function
function helper.guard(body, name)
  return function()
    local self = lagoon.self()
    local before = counts()
    local limit = LIMIT_S * slowness * (settings.is_stress and 10 or 1)
    local late = ("still running after %d s"):format(limit)
    local is_late = false
    local watchdog = lagoon.timer(limit, function()
      io.write(lagoon.runtime.stack(true), "\n")
      self:cancel(late)
      is_late = true
    end)
    local ok, err = run_body(body, function(err)
      return type(err) == "string" and own_frames(debug.traceback(err, 2)) or err
    end, name)
    if not watchdog:stop() then
      helper.settle(function() return is_late end)
      pcall(lagoon.sleep, 1e-3) -- takes what has come too late for the body, not in the next one
      ok, err = false, ok and late or err
    end
    if not ok then
      error(err, 0)
    end
    scrub()
    check_leaks(before)
  end
end

return helper
