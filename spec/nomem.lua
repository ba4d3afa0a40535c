-- SPDX-License-Identifier: MIT
--
-- Runs in the check build's program, in a process of its own: each scenario with the n-th
-- request for memory refused, for every n (or every STEP-th) until it passes, once and, with
-- FOR_GOOD, from there on. The scenario gives its result or an error that says why; what it
-- has left is gone when memory is back; and it then passes, in the same state.
--
--   lagoon spec/nomem.lua STEP once|for_good [SCENARIO...]
local ffi = require "ffi"
local lagoon = require "lagoon"

ffi.cdef "int lg_check_fail_alloc(int n, bool is_for_good);"
local C = ffi.C

local step, for_good = tonumber((...)), select(2, ...) == "for_good"
local chosen = { select(3, ...) }

local scenarios = {}

-- What others wait for is tried again, should it be the request in it that is refused.
local function surely(f, ...)
  local ok, err = pcall(f, ...)
  if not ok then
    f(...)
    error(err, 0)
  end
end

local function start_all(g, ...)
  for _, f in ipairs { ... } do
    g:go(f, g)
  end
end

-- A group's first error cancels the rest: nobody waits for what does not come any more. Nor do
-- those for whom there was a goroutine wait for one for whom there was none.
local function together(...)
  local g = lagoon.group()
  local ok, err = pcall(start_all, g, ...)
  if not ok then surely(g.cancel, g, err) end
  g:wait()
  if not ok then error(err, 0) end
end

function scenarios.goroutines()
  local n = 0
  local tasks = {}
  for i = 1, 20 do
    tasks[i] = lagoon.async(function(x)
      lagoon.yield()
      n = n + x
      return x, tostring(x)
    end, i)
  end
  for i = 1, 20 do
    local x, s = tasks[i]:wait()
    assert(x == i and s == tostring(i))
  end
  assert(n == 210)
end

function scenarios.channels()
  local ch, sum = lagoon.chan(3), 0
  together(function()
    for i = 1, 30 do ch:send { i } end
    ch:close()
  end, function()
    for v in ch do sum = sum + v[1] end
  end)
  assert(sum == 465)
end

function scenarios.select()
  local a, b, quit = lagoon.chan(), lagoon.chan(2), lagoon.chan()
  local got = 0
  together(function()
    for i = 1, 10 do
      local case = i % 2 == 0 and a or b
      lagoon.select(case:sending(i), lagoon.after(10))
    end
    quit:close()
  end, function()
    while true do
      local i, v = lagoon.select(quit, a, b)
      if i == 1 then break end
      got = got + v
    end
    while true do
      local v, ok = b:try_recv()
      if not ok then break end
      got = got + v
    end
  end)
  assert(got == 55)
end

function scenarios.timers()
  local n = 0
  local t = lagoon.timer(1e-6, function() n = n + 1 end)
  local tick = lagoon.tick(1e-6)
  local at = lagoon.after(1e-6)
  local i = lagoon.select(at, lagoon.after(20))
  local ok, err = pcall(function()
    assert(i == 1)
    assert(tick:recv(20))
    lagoon.sleep(1e-6)
  end)
  tick:stop()
  t:stop()
  assert(ok, err)
end

function scenarios.locks()
  local m, rw, wg = lagoon.mutex(), lagoon.rwmutex(), lagoon.waitgroup()
  local sem, cond, n = lagoon.semaphore(2), lagoon.cond(m), 0
  local once = lagoon.once(function() n = n + 1 end)
  local fs = {}
  for i = 1, 5 do
    fs[i] = function()
      m:lock()
      n = n + 1
      lagoon.yield()
      m:unlock()
      rw:rlock()
      rw:runlock()
      sem:acquire()
      sem:release()
      once()
      cond:broadcast()
    end
  end
  wg:add(1)
  wg:done()
  wg:wait()
  together(unpack(fs))
  assert(n == 6)
end

function scenarios.context()
  local ctx, cancel = lagoon.context.with_cancel(lagoon.context.background())
  local inner = lagoon.context.with_value(ctx, "k", "v")
  local timed, cancel_timed = lagoon.context.with_timeout(inner, 100)
  local ok, err = pcall(together, function() timed:done():recv() end, function() cancel() end)
  cancel()
  cancel_timed()
  assert(ok, err)
  assert(inner:value("k") == "v" and timed:err())
end

function scenarios.errors()
  local task = lagoon.async(function() error { code = 7 } end)
  local ok, err = pcall(task.wait, task)
  assert(not ok and (type(err) == "table" and err.code == 7), err)
  local waiting = lagoon.async(function() lagoon.chan():recv() end)
  local has_yielded, why_not = pcall(lagoon.yield)
  surely(waiting.cancel, waiting, "enough")
  ok, err = pcall(waiting.wait, waiting)
  assert(has_yielded, why_not)
  assert(not ok and err == "enough", err)
  local late, why = lagoon.async(function() lagoon.sleep(1e-6) end):wait(20)
  assert(late == nil and why == nil)
  local ch = lagoon.chan()
  local v, _, reason = ch:recv(1e-6)
  assert(v == nil and reason == "timeout", reason)
end

function scenarios.callbacks()
  local t = { 3, 1, 2 }
  table.sort(t, function(a, b)
    lagoon.yield()
    return a < b
  end)
  assert(t[1] == 1 and t[3] == 3)
  local s = ("abc"):gsub(".", function(c)
    lagoon.sleep(1e-6)
    return c:upper()
  end)
  assert(s == "ABC")
end

function scenarios.parallel()
  local task = lagoon.parallel(function(t) return { t[1] + 1, ("x"):rep(100) } end, { 41 })
  local result = task:wait()
  assert(result[1] == 42 and #result[2] == 100)
end

local function send_all(ch)
  for i = 1, 5 do assert(ch:send({ n = i }, 10)) end
end

function scenarios.crossing()
  local ch, back = lagoon.chan(5), lagoon.chan(5)
  local task = lagoon.parallel(function(input, output)
    for v in input do
      output:send { v.n * 2 }
    end
  end, ch, back)
  local ok, err = pcall(send_all, ch)
  surely(ch.close, ch)
  local has_ended, why = pcall(task.wait, task)
  assert(has_ended, why)
  assert(ok, err)
  local sum = 0
  while #back > 0 do
    sum = sum + back:recv()[1]
  end
  assert(sum == 30)
end

function scenarios.shared()
  local map, n, buf = lagoon.shared_map(), lagoon.atomic(1), lagoon.buffer("abc")
  for i = 1, 30 do map:set("key" .. i, { i }) end
  map:update("key1", function(v) return { v[1] + 1 } end)
  assert(map:get("key1")[1] == 2 and map:len() == 30)
  assert(n:add(2) == 3 and buf:string() == "abc")
  local count = 0
  for _ in map:pairs() do count = count + 1 end
  assert(count == 30)
end

function scenarios.frozen()
  local f = lagoon.freeze { a = 1, list = { 1, 2, { "deep" } }, [3] = "x" }
  assert(f.list[3][1] == "deep" and f.a == 1)
  local n = 0
  for _ in lagoon.pairs(f) do n = n + 1 end
  assert(n == 3 and lagoon.thaw(f).list[2] == 2)
end

function scenarios.map()
  local result = lagoon.map({ 1, 2, 3, 4 }, function(x) return x * x end)
  assert(result[4] == 16)
end

function scenarios.files()
  local path = os.tmpname()
  local ok, err = pcall(function()
    assert(lagoon.fs.write(path, ("line\n"):rep(100)))
    assert(#assert(lagoon.fs.read(path)) == 500)
    local f = assert(lagoon.fs.open(path, "r"))
    local got, why = f:read("*l")
    f:close()
    assert(got == "line", why)
    assert(lagoon.fs.stat(path).size == 500)
  end)
  os.remove(path)
  assert(ok, err)
end

function scenarios.net()
  local listener = assert(lagoon.net.listen("tcp", "127.0.0.1:0"))
  local ok, err = pcall(together, function()
    local conn = assert(listener:accept())
    conn:set_deadline(10)
    local line, why = conn:read("*l")
    if line then
      line, why = conn:write(line, " back\n")
    end
    conn:close()
    assert(line, why)
  end, function()
    local conn = assert(lagoon.net.dial("tcp", listener:addr()))
    conn:set_deadline(10)
    local reply, why = conn:write("hello\n")
    if reply then
      reply, why = conn:read("*a")
    end
    conn:close()
    assert(reply == "hello back\n", why)
  end)
  listener:close()
  assert(ok, err)
end

local function ask(server)
  local conn = assert(lagoon.net.dial("tcp", server:addr()))
  local ok, reply, why = pcall(function()
    conn:set_deadline(10)
    local sent, err = conn:write("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    if not sent then return nil, err end
    return conn:read("*a")
  end)
  surely(conn.close, conn)
  if not ok then error(reply, 0) end
  return reply, why
end

function scenarios.http()
  local logged
  local server = assert(lagoon.http.serve("127.0.0.1:0", function(req, res)
    res:write("got " .. req.path)
  end, { log = function(line) logged = logged or line end }))
  local ok, reply, why = pcall(ask, server)
  surely(server.close, server)
  if not ok then error(reply, 0) end
  assert(reply and reply:find("got /x", 1, true), logged or why or reply)
end

function scenarios.step()
  lagoon.runtime.gc_step(1)
  lagoon.runtime.stats()
  lagoon.runtime.stack(true)
  lagoon.runtime.goroutines()
end

-- ---------------------------------------------------------------------------------------------

local function settle()
  local limit = lagoon.now() + 30
  while lagoon.runtime.num_goroutine() > 1 do
    if lagoon.now() > limit then
      error("left behind:\n" .. lagoon.runtime.stack(true), 0)
    end
    lagoon.runtime.gc()
    lagoon.yield()
  end
end

local words = { "not enough memory", "out of memory", "ENOMEM", "cannot allocate memory" }

local function says_why(err)
  local text = type(err) == "table" and tostring(rawget(err, "message") or err) or tostring(err)
  for _, word in ipairs(words) do
    if text:lower():find(word:lower(), 1, true) then return true end
  end
  return false, text
end

local function is_chosen(name)
  if #chosen == 0 then return true end
  for _, other in ipairs(chosen) do
    if other == name then return true end
  end
end

local function run(name, f)
  f() -- what is made once is made
  settle()
  local n, nfaults = 1, 0
  while true do
    C.lg_check_fail_alloc(n, for_good)
    local ok, err = pcall(f)
    local left = C.lg_check_fail_alloc(0, false)
    if not ok then
      nfaults = nfaults + 1
      local does, text = says_why(err)
      if not does then
        error(("%s, request %d refused: %s"):format(name, n, text), 0)
      end
    end
    settle()
    if left > 0 then break end
    local again, why = pcall(f)
    if not again then
      error(("%s, after request %d was refused: %s"):format(name, n, tostring(why)), 0)
    end
    settle()
    n = n + step
  end
  return n, nfaults
end

local names = {}
for name in pairs(scenarios) do names[#names + 1] = name end
table.sort(names)
lagoon.on_error(function() end)
for _, name in ipairs(names) do
  if is_chosen(name) then
    local n, nfaults = run(name, scenarios[name])
    print(("%s: %d requests, %d errors"):format(name, n, nfaults))
  end
end
