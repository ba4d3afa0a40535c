-- SPDX-License-Identifier: MIT
--
-- The program with --html: the page is there however it ends, and a browser shows it.
local browser = require "browser"
local helper = require "helper"
local json = require "lagoon.report.json"

local function read(path)
  local file = io.open(path, "rb")
  local text = file and file:read("*a")
  if file then
    file:close()
  end
  return text
end

-- Runs a script for a page; the child, the page, and what stands in its data.
local function run(text, options)
  local path = helper.path("report.html")
  os.remove(path)
  local words = options or {}
  words[#words + 1] = "--html=" .. path
  words[#words + 1] = helper.file("script.lua", text)
  local child = helper.lagoon(words)
  local page = read(path)
  local data = page and page:match('<script type="application/json" id="data">(.-)</script>')
  return child, page, data and json.read(data), path
end

local function goroutine(data, name)
  for _, g in ipairs(data.goroutines) do
    if g.name == name then
      return g
    end
  end
end

local KITCHEN = [==[
  local lagoon = require "lagoon"
  local orders, done = lagoon.chan(), lagoon.chan()
  lagoon.go(function()
    lagoon.self():name("cook </script><img src=x>")
    for n in orders do
      local until_s = os.clock() + 0.001
      while os.clock() < until_s do end
    end
    done:send(true)
  end)
  lagoon.go(function() lagoon.self():name("idle") lagoon.chan():recv() end)
  for n = 1, 30 do orders:send(n) end
  orders:close()
  done:recv()
  lagoon.runtime.gc()
]==]

-- Each of them ends in a way of its own.
local FATES = [==[
  local lagoon = require "lagoon"
  local function named(name, f)
    return function() lagoon.self():name(name) return f() end
  end
  local fine = lagoon.async(named("fine", function() end))
  local bad = lagoon.async(named("bad", function() error("no <b>luck</b>", 0) end))
  local odd = lagoon.async(named("odd", function()
    error(setmetatable({}, { __tostring = function() return "called" end }))
  end))
  local far = lagoon.parallel(function()
    local lagoon = require "lagoon"
    lagoon.self():name "far"
    error("far away", 0)
  end)
  local off = lagoon.async(named("off", function() lagoon.chan():recv() end))
  lagoon.yield()
  off:cancel()
  for _, task in ipairs { fine, bad, odd, far, off } do pcall(task.wait, task) end
  lagoon.on_error(function() end)
  lagoon.go(named("heard", function() error("heard of", 0) end))
  lagoon.yield()
  lagoon.on_error(nil)
  if arg[1] == "go" then
    lagoon.go(named("last", function() error("the last", 0) end))
    lagoon.yield()
  end
  error("the end", 0)
]==]

describe("lagoon --html", function()
  it("tells who has failed, and by what, and who was cancelled", function()
    local _, _, data = run(FATES)
    local failed = { bad = "no <b>luck</b>", odd = "an error that is a table", far = "far away",
      heard = "heard of", main = "the end" }
    for name, why in pairs(failed) do
      local g = goroutine(data, name)
      assert.same({ name, "failed", why }, { name, g.state, g.why })
    end
    for name, state in pairs { fine = "ended", off = "cancelled" } do
      local g = goroutine(data, name)
      assert.same({ name, state }, { name, g.state, g.why })
    end
  end)

  it("tells which goroutine's error has ended the program", function()
    local child, _, data = run(FATES, { "-e", "arg = { 'go' }" })
    assert.equal(2, child.status)
    local g = goroutine(data, "last")
    assert.same({ "failed", "the last" }, { g.state, g.why })
  end)

  it("shows that in a browser, as text", browser.with(function()
    local _, _, _, path = run(FATES)
    local dom = browser.dom(path)
    assert.matches('<span class="state failed" title="no &lt;b&gt;luck&lt;/b&gt;">failed</span>',
      dom, 1, true)
    assert.matches('<span class="state cancelled" title="">cancelled</span>', dom, 1, true)
  end))

  it("writes a page that a browser shows", browser.with(function()
    local child, _, data, path = run(KITCHEN)
    assert.equal("", child.err)
    assert.equal(0, child.status)
    local dom = browser.dom(path)
    local html, stage = dom:match("<html[^>]*>"), dom:match('<div id="stage"[^>]*>')
    assert.matches('data%-ready="yes"', html)
    assert.is_nil(html:find("data-error", 1, true))
    assert.is_true(tonumber(stage:match('data%-slices="(%d+)"')) > 30)
    assert.is_true(tonumber(stage:match('data%-lanes="(%d+)"')) >= 3)
    assert.is_true(tonumber(stage:match('data%-procs="(%d+)"')) >= 1)
    assert.matches("cook &lt;/script&gt;&lt;img src=x&gt;", dom)
    assert.is_nil(dom:find("<img", 1, true))
    local _, nrows = dom:match('id="goroutines%-table".-</table>'):gsub("<tr data%-id", "")
    assert.equal(#data.goroutines, nrows)
  end))

  it("tells of goroutines, channels, the collector, counters and functions", function()
    local _, page, data = run(KITCHEN)
    assert.is_nil(page:find("<img", 1, true))
    local cook = goroutine(data, "cook </script><img src=x>")
    assert.equal("ended", cook.state)
    assert.matches("script.lua:3", cook.born)
    assert.equal(1, cook.by)
    assert.is_true(cook.run > 10000)
    assert.equal("waiting: chan receive", goroutine(data, "idle").state)
    local channel = data.channels[1]
    assert.same({ 30, true }, { channel.sends, channel.closed })
    assert.is_true(channel.handovers > 0 and #data.handovers > 0)
    assert.is_true(#data.gc > 0)
    assert.is_true(#data.counters > 0)
    assert.is_true(#data.stacks > 0)
    assert.equal("script.lua", data.title)
  end)

  it("leaves nothing but the page", function()
    local _, _, _, path = run("print(1)")
    assert.is_nil(read(path .. ".trace.json"))
    assert.is_nil(read(path .. ".stacks"))
  end)

  local ENDS = {
    { "an error", 1, "error('oops')", "error" },
    { "an error in a goroutine", 2, "lagoon.go(error, 'oops') lagoon.sleep(9)", "no goroutine" },
    { "a deadlock", 2, "lagoon.chan():recv()", "deadlock" },
    { "os.exit", 7, "os.exit(7)", "status 7" },
    { "os.exit in a goroutine", 3, "lagoon.go(os.exit, 3) lagoon.sleep(9)", "status 3" },
    { "SIGTERM", 143, "os.execute('kill -TERM $PPID') lagoon.sleep(9)", "status 143" },
    { "a task that computes on", 0, "lagoon.parallel(function() while true do end end) "
      .. "lagoon.sleep(0.01)" },
  }
  for _, case in ipairs(ENDS) do
    local how, status, text, told = unpack(case, 1, 4)
    it("writes it when the program ends by " .. how, function()
      local child, _, data = run("local lagoon = require 'lagoon'\n" .. text)
      assert.equal(status, child.status)
      assert.is_truthy(data, child.err)
      assert.equal(1, data.goroutines[1].id)
      local note = data.notes[1]
      assert.matches(told or "nil", told and note.text or tostring(note))
    end)
  end

  it("goes with a trace and a profile of one's own", function()
    local trace, stacks = helper.path("own.json"), helper.path("own.folded")
    local child, _, data = run(KITCHEN, { "--trace=" .. trace, "--profile=" .. stacks,
      "--profile-value=wall" })
    assert.equal("", child.err)
    assert.is_true(#data.goroutines >= 3)
    assert.matches('^{"displayTimeUnit"', read(trace))
    assert.matches("script.lua:%d+", read(stacks))
  end)

  it("refuses what does not fit", function()
    local child = helper.lagoon { "--html", "-e", "" }
    assert.same({ 1, "lagoon: option '--html' needs a file: --html=FILE\n" },
      { child.status, child.err })
    child = helper.lagoon { "--html=/nowhere/x.html", "-e", "" }
    assert.equal(1, child.status)
    assert.matches("^lagoon: cannot write /nowhere/x.html: No such file", child.err)
    child = helper.lagoon { "--html=" .. helper.path("x.html"), "--trace=" .. helper.path("x.txt"),
      "-e", "" }
    assert.equal(1, child.status)
    assert.matches("^lagoon: a page needs a trace in JSON: %-%-trace=FILE.json\n", child.err)
  end)

  it("leaves nothing behind if the run does not begin", function()
    local path = helper.path("early.html")
    local child = helper.lagoon { "--html=" .. path, "--trace=/nowhere/x.json", "-e", "" }
    assert.equal(1, child.status)
    assert.matches("^lagoon: cannot write /nowhere/x.json: ", child.err)
    for _, ending in ipairs { "", ".stacks", ".trace.json" } do
      assert.is_nil(io.open(path .. ending), ending)
    end
  end)

  it("says so when the page cannot be written in the end", function()
    local path = helper.path("gone/report.html")
    os.execute("mkdir -p " .. helper.path("gone"))
    local child = helper.lagoon { "--html=" .. path, "-e",
      ("os.execute('rm -rf %s')"):format(helper.path("gone")) }
    assert.equal(1, child.status)
    assert.matches("lagoon: cannot write " .. path:gsub("%p", "%%%0"), child.err)
  end)

  it("leaves the trace and the stacks where the disk is full", function()
    local path, full = helper.path("full.html"), helper.path("full.link")
    local child = helper.lagoon { "--html=" .. path, "-e", ([[
      os.rename(%q, %q) os.execute("ln -s /dev/full '%s'")]]):format(path, full, path) }
    assert.equal(1, child.status)
    assert.equal(("lagoon: cannot write %s: No space left on device; what it would show is in "
      .. "%s.trace.json and %s.stacks\n"):format(path, path, path), child.err)
    assert.matches('"name":"1 main"', read(path .. ".trace.json"))
    assert.is_string(read(path .. ".stacks"))
  end)

  it("puts no part of a page there", function()
    local path = helper.path("part.html")
    local child = helper.child({ "sh", "-c", "trap '' XFSZ; ulimit -f 40; exec \"$@\"", "sh",
      helper.program, "--html=" .. path, "-e", "" })
    assert.equal(1, child.status)
    assert.matches("^lagoon: cannot write [^\n]*: File too large; what it would show is in ",
      child.err)
    assert.matches("or the disk was full: then no report was written", read(path))
    assert.matches('^{"displayTimeUnit"', read(path .. ".trace.json"))
  end)
end)
