-- SPDX-License-Identifier: MIT
--
-- Names that nobody answers for: whoever asks is not held up longer than it wants to be, and nor is
-- anybody else.
local helper = require "helper"

local function built()
  local path = helper.path("silent_resolver.so")
  return os.execute(("gcc -shared -fPIC -D_GNU_SOURCE -o '%s' spec/cli/silent_resolver.c -ldl")
    :format(path)) == 0 and path
end

if os.execute("command -v gcc >/dev/null") ~= 0 then
  return
end

-- Runs a script in which "silent.example" is silent. How often it was asked for.
local function run(text)
  local child = helper.script([[
    local lagoon = require "lagoon"
    local net, http, fs, async = lagoon.net, lagoon.http, lagoon.fs, lagoon.async
    local function show(...) print(select("#", ...), ...) end
  ]] .. text, { env = { LD_PRELOAD = assert(built()),
    ASAN_OPTIONS = "verify_asan_link_order=0:detect_leaks=0" } })
  assert.equal("", (child.err:gsub("asked\n", "")))
  assert.equal(0, child.status)
  return child.out, select(2, child.err:gsub("asked\n", ""))
end

describe("a name that nobody answers for", function()
  it("is given up when the time of a request is over", function()
    local out, n = run [[
      show(http.get("http://silent.example/", { timeout = 0.05 }))
      show(http.get("https://silent.example/", { timeout = 0.05 }))
    ]]
    assert.equal(("3\tnil\ttimeout\tETIMEDOUT\n"):rep(2), out)
    assert.is_true(n >= 1)
  end)

  it("is given up by who dials, and by who is cancelled", function()
    local out, n = run [[
      show(net.dial("tcp", "silent.example:80", { timeout = 0.05 }))
      local task = async(net.resolve, "silent.example")
      lagoon.yield()
      task:cancel("enough")
      show(pcall(task.wait, task))
    ]]
    assert.equal("3\tnil\ttimeout\tETIMEDOUT\n2\tfalse\tenough\n", out)
    assert.is_true(n >= 1)
  end)

  it("keeps no files from being read, however many ask", function()
    local out = run [[
      local group = lagoon.group()
      for _ = 1, 10 do
        group:go(function() assert(not net.dial("tcp", "silent.example:1", { timeout = 0.05 })) end)
      end
      show(#fs.read("/proc/self/status") > 0)
      group:wait()
    ]]
    assert.equal("1\ttrue\n", out)
  end)
end)
