-- SPDX-License-Identifier: MIT
--
-- `lagoon test`: what becomes of specs, good and bad ones.
local helper = require "helper"
local process = require("lagoon").process
local trees = require "trees"

local run = trees.test

local function has(text, part)
  assert(text:find(part, 1, true), ("no '%s' in:\n%s"):format(part, text))
end

local function has_not(text, part)
  assert(not text:find(part, 1, true), ("'%s' in:\n%s"):format(part, text))
end

-- Such a spec, with lagoon at hand.
local function spec(body)
  return "local lagoon = require 'lagoon'\nlocal _ = lagoon\ndescribe('a thing', function()\n"
    .. body .. "\nend)\n"
end

describe("lagoon test", function()
  it("runs the specs of the folder spec, and says how long each took", function()
    local child = run {
      ["spec/a_spec.lua"] = spec "it('works', function() assert.equal(1, 1) end)",
      ["spec/deep/b_spec.lua"] = spec "it('works, too', function() end) pending 'waits'",
      ["spec/other.lua"] = "error 'no spec'",
      ["b_spec.lua"] = "error 'not in spec'",
    }
    has(child.out, "spec/a_spec.lua\n  ok")
    assert.matches("ok +[%d.]+ ms  a thing works\n", child.out)
    assert.matches("ok +[%d.]+ ms  a thing works, too\n", child.out)
    has(child.out, "skip             a thing waits")
    assert.matches("2 passed, 0 failed, 0 errors, 1 skipped in [%d.]+ m?s, seed %d+\n$", child.out)
    assert.equal("", child.err)
    assert.equal(0, child.status)
  end)

  it("shows what failed: a diff, and the specs' own frames", function()
    local child = run(spec [[
      local function check(t) assert.same({ a = 1, b = { 2, 3 } }, t) end
      it("fails", function() check { a = 1, b = { 2, 4 } } end)
      it("is another text", function() assert.equal("a\nb\nc", "a\nB\nc") end)
    ]])
    has(child.out, "1) a thing fails\n    spec/a_spec.lua:5\n")
    has(child.out, "    -     [2] = 3 } }\n    +     [2] = 4 } }\n")
    has(child.out, "    spec/a_spec.lua:4: in function 'check'\n")
    has(child.out, "    - b\n    + B\n      c'\n")
    for _, ours in ipairs { "busted", "luassert", "lagoon/test" } do
      has_not(child.out, ours)
    end
    assert.equal(1, child.status)
  end)

  it("tells errors of all kinds from failures", function()
    local child = run(spec [[
      it("raises a text", function() error "boom" end)
      it("raises a table", function() error { code = 7 } end)
      it("raises nil", function() error() end)
      it("raises what raises", function()
        error(setmetatable({}, { __tostring = function() error "again" end }))
      end)
      it("goes on", function() end)
    ]])
    has(child.out, "spec/a_spec.lua:4: boom")
    has(child.out, "spec/a_spec.lua:5: { code = 7 }")
    has(child.out, "spec/a_spec.lua:6: nil")
    has(child.out, "an error whose __tostring raises")
    has(child.out, "1 passed, 0 failed, 4 errors, 0 skipped")
    assert.equal(1, child.status)
  end)

  it("goes on after files and blocks that are broken", function()
    local child = run {
      ["spec/a_spec.lua"] = "local x = = 1",
      ["spec/b_spec.lua"] = "error 'at load'",
      ["spec/c_spec.lua"] = spec [[
        describe("with a broken before_each", function()
          before_each(function() error "before" end)
          it("is told", function() end)
        end)
        describe("with a broken after_each", function()
          after_each(function() error "after" end)
          it("is told, too", function() end)
        end)
        describe("with a broken setup", function()
          setup(function() error "setup" end)
          it("never runs", function() end)
        end)
        describe("with a broken lazy setup", function()
          lazy_setup(function() error "lazy" end)
          it("tells of it", function() end)
          it("does not run, either", function() end)
        end)
        it("works", function() end)
      ]],
    }
    has(child.out, "spec/a_spec.lua:1: unexpected symbol near '='")
    has(child.out, "spec/b_spec.lua:1: at load")
    for _, text in ipairs { "before", "after", "setup", "lazy" } do
      assert.matches("c_spec.lua:%d+: " .. text, child.out)
    end
    has(child.out, "a thing with a broken lazy setup does not run, either: its setup has failed")
    has(child.out, "1 passed, 0 failed, 6 errors, 1 skipped")
    assert.equal(1, child.status)
  end)

  it("fails where no test has run", function()
    local child = run({ ["spec/other.lua"] = "" })
    assert.equal(1, child.status)
    child = run(spec "it('works', function() end)", { "--filter=nothing" })
    has(child.out, "0 passed")
    assert.equal(1, child.status)
  end)

  it("fails where no file is a spec, and says so", function()
    for _, words in ipairs { { "--pattern=no_such" }, { "--pattern=no_such", "--list" },
      { "--pattern=no_such", "--output=tap" }, { "--pattern=no_such", "--output=junit" } } do
      local child = run("it('works', function() end)", words)
      has(child.out .. child.err, "No test files found matching Lua pattern: no_such")
      for _, word in ipairs { "traceback", "nil" } do
        assert.is_nil((child.out .. child.err):find(word, 1, true))
      end
      assert.equal(1, child.status)
    end
  end)

  it("says so where a file of results cannot be written whole", function()
    for _, option in ipairs { "--junit=", "--coverage=" } do
      local child = run("it('works', function() end)", { option .. "/dev/full" })
      has(child.out, "1 passed")
      has(child.err, "lagoon test: cannot write /dev/full: ")
      assert.equal(2, child.status)
    end
  end)

  it("refuses what it does not know with status 2", function()
    local root = trees.new(spec "it('works', function() end)")
    local messages = {
      ["--bogus"] = "--bogus",
      ["--timeout=soon"] = "--timeout must be a positive number of seconds, not 'soon'",
      ["--timeout=0"] = "--timeout must be",
      ["--timeout"] = "--timeout must be",
      ["--leaks=-1"] = "--leaks must be",
      ["--ignore-leak=%"] = "--ignore-leak=%",
      ["--race-order=7"] = "--race-order takes no value",
      ["--seed=x"] = "seed",
      ["--seed=1.5"] = "--seed must be a whole number",
      ["--repeat=0"] = "--repeat must be",
      ["--color=pink"] = "--color must be",
      ["--junit="] = "--junit needs a file",
      ["nowhere"] = "there is no 'nowhere'",
      ["--directory=nowhere"] = "cannot change to nowhere",
    }
    local words = {}
    for word in pairs(messages) do
      words[#words + 1] = ("%q"):format(word)
    end
    -- All in one process, which is started as long as one of them takes.
    local child = helper.child({ trees.program(), "-e", "local test = require 'lagoon.test' "
      .. "for _, word in ipairs { " .. table.concat(words, ", ") .. " } do "
      .. "io.stderr:write('\\n', word, ' -> ', test.run { word }, '\\n') end" }, { cwd = root })
    assert.equal("", child.out)
    for word, message in pairs(messages) do
      has(child.err, "\n" .. word .. " -> 2\n")
      has(child.err, message)
    end
    for word, message in pairs {
      ["--bogus"] = "--bogus",
      ["--helper=nowhere.lua"] = "cannot run the helper nowhere.lua",
      ["--output=no_such"] = "cannot load the output no_such: module 'no_such' not found",
      ["--junit=no/such/folder/j.xml"] = "cannot write no/such/folder/j.xml",
      ["--coverage=no/such/folder/x"] = "cannot write no/such/folder/x",
    } do
      child = run("error 'not reached'", { word })
      has(child.err, message)
      assert.equal("", child.out)
      assert.equal(2, child.status)
    end
  end)

  it("names the package where busted is missing", function()
    local root = trees.new(spec "it('works', function() end)")
    local child = helper.child({ trees.program(), "-e",
      "package.preload['busted.core'] = function() error 'gone' end",
      "test" }, { cwd = root })
    has(child.err, "lua-busted")
    assert.equal(2, child.status)
  end)

  it("is a command, and ./test a script", function()
    local root = trees.new { test = "print('a script', ...)" }
    for _, words in ipairs { { "./test", "x" }, { "--", "test", "x" } } do
      local child = helper.child({ trees.program(), unpack(words) }, { cwd = root })
      assert.equal("a script\tx\n", child.out)
    end
    local child = helper.child({ trees.program(), "test", "--help" }, { cwd = root })
    has(child.out, "usage: lagoon test")
    assert.equal(0, child.status)
  end)

  it("takes busted's options and its file", function()
    local files = {
      ["spec/a_spec.lua"] = spec [[
        it("is #fast", function() assert.equal(5, require "mine") end)
        it("is #slow", function() lagoon.sleep(100) end)
      ]],
      ["src/mine.lua"] = "return 5",
      ["tests/b_check.lua"] = spec "it('is elsewhere', function() lagoon.sleep(100) end)",
      [".busted"] = [[return { _all = { lua = "nothing" }, default = { ["exclude-tags"] = "slow" },
        other = { ROOT = { "tests" }, pattern = "_check", timeout = 0.1 } }]],
    }
    local child = run(files)
    has(child.out, "1 passed, 0 failed")
    assert.equal(0, child.status)
    child = run(files, { "--run=other" })
    has(child.out, "timed out after 0.1 s")
    child = run(files, { "--list" })
    assert.equal("spec/a_spec.lua:4: a thing is #fast\n", child.out)
    assert.equal(0, child.status)
    files[".busted"] = "return 7"
    child = run(files)
    has(child.err, "lagoon test: ")
    assert.equal(2, child.status)
  end)

  it("is coloured where it is asked for", function()
    local tree = spec "it('works', function() end)"
    has_not(run(tree).out, "\27")
    has(run(tree, { "--color=always" }).out, "\27[32mok")
    local root = trees.new(tree)
    local function on_terminal(env)
      return helper.child({ "script", "-qec", trees.program() .. " test", "/dev/null" },
        { cwd = root, env = env }).out
    end
    has(on_terminal { TERM = "xterm" }, "\27[32mok")
    has_not(on_terminal { TERM = "xterm", NO_COLOR = "1" }, "\27")
    has_not(on_terminal { TERM = "dumb" }, "\27")
  end)
end)

describe("a test", function()
  it("that hangs or computes fails in time, and the run goes on", function()
    local child = run(spec [[
      local is_clean
      it("sleeps", function() finally(function() is_clean = true end) lagoon.sleep(1000) end)
      it("computes", function() while true do end end)
      it("comes after that", function() assert.is_true(is_clean) end)
    ]], { "--timeout=0.2", "--leaks=0.01" })
    has(child.out, "spec/a_spec.lua:5: timed out after 0.2 s")
    has(child.out, '"a thing sleeps" [sleep]:\n')
    has(child.out, "spec/a_spec.lua:6: timed out after 0.2 s")
    has(child.out, "1 passed, 0 failed, 2 errors")
    assert.equal(1, child.status)
  end)

  it("that catches its end is left behind, or ends the run where nobody is preempted", function()
    local child = run(spec [[
      it("cannot be ended", function()
        while true do pcall(function() while true do end end) end
      end)
      it("comes last", function() end)
    ]], { "--timeout=0.1", "--leaks=0.01" })
    has(child.out .. child.err, "does not end when it is cancelled")
    assert.equal(1, child.status)
    local asked = helper.lagoon { "-e", "print((require('lagoon').runtime.preemption()))" }
    if asked.out == "off\n" then
      has_not(child.out, "comes last")
    else
      has(child.out, "1 passed, 0 failed, 1 error,")
    end
  end)

  it("that waits for ever is told so at once", function()
    local child = run(spec [[
      it("waits", function()
        local ch = lagoon.chan()
        lagoon.async(ch.recv, ch):name "another"
        ch:recv()
      end)
      it("is woken by a timer", function() lagoon.after(0.2):recv() end)
    ]], { "--leaks=0.01" })
    has(child.out, "all goroutines are asleep - deadlock!")
    has(child.out, '"another" [chan receive]:')
    has(child.out, "1 passed, 0 failed, 1 error,")
  end)

  it("that leaves a goroutine behind fails, with its name, birthplace and stack", function()
    local child = run(spec [[
      local function wait() lagoon.sleep(1000) end
      it("leaks", function() lagoon.async(wait):name "the leak" end)
      it("is not blamed for that", function() end)
      it("ends it in time", function() lagoon.go(lagoon.sleep, 0.02) end)
      describe("with a server", function()
        local server
        before_each(function() server = lagoon.async(wait) end)
        after_each(function() server:cancel() end)
        it("ends it in after_each", function() end)
      end)
      describe("with a lazy one", function()
        local server
        lazy_setup(function() server = lagoon.async(wait) end)
        lazy_teardown(function() server:cancel() end)
        it("has it", function() end)
        it("has it still", function() end)
      end)
    ]], { "--leaks=0.2" })
    has(child.out, 'the test has left goroutine')
    has(child.out, '"the leak" [sleep]')
    has(child.out, "spec/a_spec.lua:4: in function <spec/a_spec.lua:4>")
    assert.matches("created by goroutine %d+ at spec/a_spec.lua:5", child.out)
    has(child.out, "5 passed, 1 failed, 0 errors")
    assert.equal(1, child.status)
  end)

  it("is found to leave one behind among a thousand others, whatever its name is", function()
    local child = run(spec [[
      local stop = lagoon.chan()
      for _ = 1, 1010 do lagoon.go(function() stop:recv() end) end
      teardown(function() stop:close() end)
      it("leaks", function() lagoon.async(lagoon.sleep, 1000):name "a\n\nb" end)
    ]], { "--leaks=0.01", "--filter=leaks" })
    assert.matches('the test has left goroutine %d+ "a%?%?b" %[sleep%] behind', child.out)
    has(child.out, "0 passed, 1 failed, 0 errors")
  end)

  it("may be let off that", function()
    local tree = spec [[
      it("leaks", function() lagoon.async(lagoon.sleep, 1000):name "known" end)
    ]]
    assert.equal(0, run(tree, { "--leaks=off" }).status)
    assert.equal(0, run(tree, { "--ignore-leak=^known$" }).status)
    assert.equal(1, run(tree, { "--ignore-leak=^other$", "--leaks=0.01" }).status)
  end)

  it("answers for its goroutines' errors, and a file for what its blocks leave", function()
    local child = run(spec [[
      lagoon.async(lagoon.sleep, 1000):name "of the file"
      it("starts one", function() lagoon.go(error, "astray") lagoon.sleep(0.01) end)
      it("works", function() end)
    ]], { "--leaks=0.01" })
    assert.matches("goroutine %d+, created by spec/a_spec.lua:5: astray", child.out)
    has(child.out, "the file has left goroutine")
    has(child.out, '"of the file" [sleep]')
    has(child.out, "1 passed, 0 failed, 2 errors")
    assert.equal(1, child.status)
  end)

  it("cannot end the run by os.exit", function()
    local child = run {
      ["spec/a_spec.lua"] = spec [[
        it("exits", function() os.exit(0) end)
        it("catches that", function() pcall(os.exit, true) end)
        it("exits elsewhere", function() lagoon.parallel(os.exit, 0):wait() end)
        it("goes on", function() end)
      ]],
      ["spec/b_spec.lua"] = "os.exit(0)",
    }
    has(child.out, "spec/a_spec.lua:4: os.exit(0) was called")
    has(child.out, "os.exit(true) was called")
    has(child.out, "spec/b_spec.lua:1: os.exit(0) was called")
    has(child.out, "os.exit was called in a task of a test")
    has(child.out, "1 passed, 0 failed, 4 errors")
    assert.equal(1, child.status)
  end)

  it("is the last one when it is interrupted", function()
    local root = trees.new(spec [[
      after_each(function() print "tidied up" end)
      it("runs", function()
        print "begun"
        io.stdout:flush()
        lagoon.sleep(1000)
      end)
      it("does not", function() print "not reached" end)
    ]])
    -- A shell may have started us with that signal ignored.
    local child = process.spawn("env", { "--default-signal=INT", trees.program(), "test" },
      { cwd = root })
    local out = {}
    for line in child.stdout:lines() do
      out[#out + 1] = line
      if line == "begun" then
        child:kill("SIGINT")
      end
    end
    out = table.concat(out, "\n")
    has(out, "spec/a_spec.lua:8: interrupted")
    has(out, "tidied up")
    has(out, "0 passed, 0 failed, 1 error")
    has_not(out, "not reached")
    assert.equal(130, child:wait().code)
  end)

  it("may start tasks on other cores", function()
    local child = run(spec [[
      local factor = 7
      it("maps", function()
        assert.same({ 7, 14 }, lagoon.map({ 1, 2 }, function(x) return factor * x end))
        assert.has_error(function() lagoon.parallel(error, "far", 0):wait() end, "far")
      end)
      it("leaves one", function()
        local begun = lagoon.chan()
        lagoon.parallel(function()
          begun:send(true)
          require("lagoon").sleep(1000)
        end):name "far away"
        begun:recv()
      end)
    ]], { "--leaks=0.01" })
    has(child.out, "1 passed, 1 failed")
    has(child.out, '"far away"')
  end)

  it("draws the same numbers with the same seed, alone or not", function()
    local tree = spec [[
      it("one", function() print("one", math.random(1e9)) end)
      it("two", function() print("two", math.random(1e9)) end)
    ]]
    local function drawn(...)
      return run(tree, { ... }).out:match("two\t(%d+)")
    end
    assert.equal(drawn "--seed=5", drawn("--seed=5", "--filter=two"))
    assert.not_equal(drawn "--seed=5", drawn "--seed=6")
    local child = run(tree, { "--seed=5", "--repeat=2" })
    has(child.out, "run 2 of 2, seed 6")
    has(child.out, "4 passed")
    has(child.out, "\t" .. drawn "--seed=6")
  end)

  it("comes in the order that the seed says", function()
    local lines = {}
    for i = 1, 12 do
      lines[i] = ("it('n%d', function() end)"):format(i)
    end
    local tree = spec(table.concat(lines, "\n"))
    local function order(...)
      local names = {}
      for name in run(tree, { ... }).out:gmatch("a thing (n%d+)") do
        names[#names + 1] = name
      end
      assert.equal(12, #names)
      return table.concat(names, " ")
    end
    local first = order("--shuffle", "--seed=3")
    assert.equal(first, order("--shuffle", "--seed=3"))
    assert.not_equal(first, order("--shuffle", "--seed=4"))
    assert.not_equal(first, order "--seed=3")
  end)
end)
