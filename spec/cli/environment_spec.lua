-- SPDX-License-Identifier: MIT
--
-- The environment of the program.
local helper = require "helper"
local runtime = require "lagoon"

local lagoon = helper.lagoon

local PRINT_PROCS = { "-e", "print(require'lagoon'.runtime.procs())" }

describe("LAGOON_PROCS", function()
  it("is the number of Ps, by default the number of CPUs", function()
    assert.equal("3\n", lagoon(PRINT_PROCS, { env = { LAGOON_PROCS = "3" } }).out)
    local child = lagoon { "-e", "local r = require'lagoon'.runtime "
      .. "print(r.procs() == r.num_cpu())" }
    assert.equal("true\n", child.out)
  end)

  it("that is none is refused by name and value, before anything runs", function()
    for _, value in ipairs { "0", "-2", "many", "1.5", "257", "2 3", "0x1", "1e2",
      "99999999999999999999999" } do
      local child = lagoon(PRINT_PROCS, { env = { LAGOON_PROCS = value } })
      assert.equal(1, child.status, value)
      assert.equal("", child.out)
      assert.matches("^lagoon: ", child.err)
      assert.matches("LAGOON_PROCS", child.err)
      assert.matches(value, child.err, 1, true)
    end
  end)
end)

-- Each value is refused by name and value, before anything runs.
local function check_refused(name, values)
  for _, value in ipairs(values) do
    local child = lagoon({ "-e", "print 'ran'" }, { env = { [name] = value } })
    assert.equal(1, child.status, value)
    assert.equal("", child.out)
    assert.matches("^lagoon: " .. name, child.err)
    assert.matches(name .. "=" .. value .. ":", child.err, 1, true)
  end
end

local function printed(expression, env)
  return lagoon({ "-e", "print(require'lagoon'.runtime." .. expression .. ")" }, { env = env }).out
end

describe("LAGOON_GC", function()
  it("is the percentage by which the heap may grow, or off; by default 100", function()
    assert.equal("100\n", printed "gc_percent()")
    assert.equal("250\n", printed("gc_percent()", { LAGOON_GC = "250" }))
    assert.equal("off\n", printed("gc_percent()", { LAGOON_GC = "off" }))
    assert.equal("1\n", printed("gc_percent()", { LAGOON_GC = "0" }))
  end)

  it("counts for the state's collector", function()
    local script = [[
      local most = 0
      for i = 1, 300000 do
        held = { i }
        if i % 1000 == 0 then most = math.max(most, collectgarbage "count") end
      end
      print(math.floor(most))]]
    local usual = tonumber(lagoon({ "-e", script }).out)
    local off = tonumber(lagoon({ "-e", script }, { env = { LAGOON_GC = "off" } }).out)
    assert.is_true(off > 5 * usual, off .. " and " .. usual .. " KB")
  end)

  it("that is none is refused", function()
    check_refused("LAGOON_GC", { "", "-1", "50%", "many", "1.5", "OFF", "99999999999" })
  end)

  it("does not count with -E", function()
    local child = lagoon({ "-E", "-e", "print(require'lagoon'.runtime.gc_percent())" },
      { env = { LAGOON_GC = "nonsense" } })
    assert.equal("100\n", child.out)
  end)
end)

describe("LAGOON_MEMLIMIT", function()
  it("is a limit for the runtime's memory, by default none", function()
    assert.equal("inf\n", printed "mem_limit()")
    assert.equal("inf\n", printed("mem_limit()", { LAGOON_MEMLIMIT = "off" }))
    assert.equal(512 * 1024 ^ 2, tonumber(printed("mem_limit()", { LAGOON_MEMLIMIT = "512MiB" })))
    assert.equal(1e9, tonumber(printed("mem_limit()", { LAGOON_MEMLIMIT = "1000000000" })))
  end)

  it("that is less than what is used lets the program run", function()
    local child = lagoon({ "-e", "local t = {} for i = 1, 1e5 do t[i] = { i } end print(#t)" },
      { env = { LAGOON_MEMLIMIT = "1" } })
    assert.equal("100000\n", child.out)
    assert.equal(0, child.status)
  end)

  it("that is none is refused", function()
    check_refused("LAGOON_MEMLIMIT", { "", "0", "-5", "512MB", "1.5GiB", "1 GiB", "9999999999TiB" })
  end)
end)

describe("LAGOON_DEBUG", function()
  it("with gctrace=1 prints a line for each cycle: of the core as Go does, of the state", function()
    local script = "local r = require 'lagoon'.runtime r.gc() r.gc() print 'ran'"
    local child = lagoon({ "-e", script }, { env = { LAGOON_DEBUG = "gctrace=1" } })
    assert.equal("ran\n", child.out)
    local n, nstate = 0, 0
    for line in child.err:gmatch("[^\n]+") do
      if line:match("^lua ") then
        nstate = nstate + 1
        assert.matches("^lua gc %d+ @[%d.]+s: %d+%->%d+ MB, %d+ goroutines", line)
      else
        n = n + 1
        assert.matches("^gc " .. n .. " @[%d.]+s %d+%%: [%d.]+%+[%d.]+%+[%d.]+ ms clock, "
          .. "[%d.]+%+[%d.]+/[%d.]+/[%d.]+%+[%d.]+ ms cpu, %d+%->%d+%->%d+ MB, "
          .. "%d+ MB stacks, %d+ MB globals, %d+ MB goal, %d+ P", line)
      end
    end
    assert.is_true(n >= 2 and nstate >= 2, child.err)
    assert.equal("", lagoon({ "-e", script }).err)
  end)

  it("with schedtrace, scheddetail and gctrace prints what each prints alone", function()
    local process = assert(runtime.process.spawn(helper.program, { "-e", [[
      local lagoon = require "lagoon"
      local ch = lagoon.chan()
      lagoon.go(function() ch:recv() end)
      lagoon.runtime.gc()
      io.read()
    ]] }, { env = { LAGOON_DEBUG = "schedtrace=10,scheddetail=1,gctrace=1", LAGOON_PROCS = 2 } }))
    local err = "\n"
    local function tells(pattern)
      while not err:find(pattern) do
        err = err .. assert(process.stderr:read(), err)
      end
    end
    tells "\nlua gc 1 @"
    tells "\ngc 1 @"
    tells("\nSCHED %d+ms: gomaxprocs=2 idleprocs=%d threads=%d+ spinningthreads=%d+ "
      .. "blockedthreads=%d+ asideprocs=%d+ idlethreads=%d+ runqueue=%d+ %[%d+ %d+%]\n"
      .. "  P0: status=%l+ schedtick=%d+ m=%w+ runqsize=%d+ runnext=%d timerslen=%d+ asks=%d+ "
      .. "steals=%d+\n  P1: ")
    tells "\n  M0: p=%w+ curg=%w+ idle=%l+ blocked=%l+ lockedg=nil\n"
    tells "\n  G1: status=4%(io wait%) m=nil lockedm=nil\n"
    tells "\n  G2: status=4%(chan receive%) m=nil lockedm=nil\n"
    tells "\n  G%d+: status=4%(GC worker %(idle%)%) m=nil lockedm=nil\n"
    process.stdin:close()
    while process.stderr:read() do end
    assert.equal(0, process:wait().code)
    process.stdout:close()
    process.stderr:close()
  end)

  it("tells once of what it does not know, and runs", function()
    local debug = "later=1,gctrace=0,attach=0,deterministic=1,sooner=,gctraces=1"
    local child = lagoon({ "-e", "print 'ran'" }, { env = { LAGOON_DEBUG = debug } })
    assert.equal("ran\n", child.out)
    assert.equal("lagoon: LAGOON_DEBUG has names that are not known: later, sooner, gctraces\n",
      child.err)
    assert.equal(0, child.status)
    child = lagoon({ "-E", "-e", "print 'ran'" }, { env = { LAGOON_DEBUG = debug } })
    assert.equal("", child.err)
    child = lagoon({ "-e", "" }, { env = { LAGOON_DEBUG = ("x"):rep(500) .. "=1" } })
    assert.matches("^lagoon: LAGOON_DEBUG has names that are not known: x+\n$", child.err)
  end)

  it("that is none is refused", function()
    check_refused("LAGOON_DEBUG", { "gctrace", "gctrace=", "gctrace=on", "=1", "a=1,,b=2" })
  end)
end)

describe("LUA_INIT", function()
  it("is run first, code or @file", function()
    local child = lagoon({ "-e", "print(x)" }, { env = { LUA_INIT = "x = 'from LUA_INIT'" } })
    assert.equal("from LUA_INIT\n", child.out)
    child = lagoon({ "-e", "print(x)" },
      { env = { LUA_INIT = "@" .. helper.file("init.lua", "x = 'from a file'") } })
    assert.equal("from a file\n", child.out)
  end)

  it("that is wrong is an error with its name", function()
    local child = lagoon({ "-e", "print 'no'" }, { env = { LUA_INIT = "x = = 1" } })
    assert.equal(1, child.status)
    assert.equal("", child.out)
    assert.matches("LUA_INIT", child.err)
    child = lagoon({ "-e", "print 'no'" }, { env = { LUA_INIT = "@/no/such/file" } })
    assert.equal(1, child.status)
    assert.matches("/no/such/file", child.err)
  end)

  it("does not count with -E", function()
    local child = lagoon({ "-E", "-e", "print(x)" }, { env = { LUA_INIT = "x = 1" } })
    assert.equal("nil\n", child.out)
  end)
end)

describe("LUA_PATH and LUA_CPATH", function()
  it("are where require looks", function()
    local child = lagoon({ "-e", "print(package.path, package.cpath)" },
      { env = { LUA_PATH = "here/?.lua", LUA_CPATH = "there/?.so" } })
    assert.equal("here/?.lua\tthere/?.so\n", child.out)
  end)
end)
