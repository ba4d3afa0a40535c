-- SPDX-License-Identifier: MIT
--
-- What `lagoon test` does between two instructions: preemption at random points, and which lines
-- have run.
local helper = require "helper"
local trees = require "trees"

local function has(text, part)
  assert(text:find(part, 1, true), ("no '%s' in:\n%s"):format(part, text))
end

-- Additions that are lost where another goroutine comes between reading and writing.
local RACE = [[
local lagoon = require "lagoon"
describe("a sum", function()
  it("is right", function()
    local n, group = 0, lagoon.group()
    for _ = 1, 4 do
      group:go(function()
        for _ = 1, 25 do
          local before = n
          n = before + 1
        end
      end)
    end
    group:wait()
    print("sum " .. n)
    assert.equal(100, n)
  end)
  it("is another test", function() end)
  it("has tasks elsewhere", function()
    local sums = lagoon.map({ 1, 2, 3 }, function()
      local there, n = require "lagoon", 0
      local tasks = {}
      for i = 1, 3 do
        tasks[i] = there.async(function()
          for _ = 1, 20 do
            local before = n
            n = before + 1
          end
        end)
      end
      for i = 1, 3 do
        tasks[i]:wait()
      end
      return n
    end)
    print("sums " .. table.concat(sums, " "))
  end)
end)
]]

local function sum(...)
  local words = { "--race-order", ... }
  return tonumber(trees.test(RACE, words).out:match "sum (%d+)")
end

describe("--race-order", function()
  it("finds what the usual order hides, again with the same seed, alone or not", function()
    assert.equal(0, trees.test(RACE).status)
    local seed, sums = 0, {}
    local n
    repeat
      seed = seed + 1
      n = sum("--seed=" .. seed)
      sums[n] = true
    until n < 100 and next(sums, next(sums))
    assert(seed < 10, "few seeds find the race")
    assert.equal(n, sum("--seed=" .. seed))
    assert.equal(n, sum("--seed=" .. seed, "--filter=is right"))
  end)

  it("is the same for tasks, too, where the runtime is deterministic", function()
    local outputs = {}
    for i = 1, 2 do
      local words = { "--race-order", "--seed=7", before = { "--deterministic=3" } }
      outputs[i] = trees.test(RACE, words).out:match "sums [%d ]+"
    end
    assert.equal(outputs[1], outputs[2])
  end)

  it("does not break what it interrupts, with lines counted in all states", function()
    if not helper.is_stress() then
      return
    end
    local first = helper.random()(1e6)
    for seed = first, first + 50 do
      local words = { "--race-order", "--coverage", "--repeat=10", "--seed=" .. seed }
      local child = trees.test(RACE, words, { limit = 200 })
      assert(child.status <= 1 and child.err == "", "seed " .. seed .. ": " .. child.err)
      assert.equal(10, select(2, child.out:gsub("sums %d+ %d+ %d+\n", "")), "seed " .. seed)
    end
  end)

  it("says so", function()
    has(trees.test(RACE, { "--race-order", "--seed=5" }).out, "lagoon test: seed 5, race order\n")
  end)
end)

describe("a deterministic runtime", function()
  it("ends tests that compute by real time, and those that sleep by its own", function()
    local child = trees.test([[
      local lagoon = require "lagoon"
      it("computes", function() while true do end end)
      it("sleeps too long", function() lagoon.sleep(1000) end)
      it("sleeps", function() lagoon.sleep(0.15) end)
    ]], { "--timeout=0.2", before = { "--deterministic" } })
    assert.equal(1, child.status)
    has(child.out, "1 passed, 0 failed, 2 errors")
    has(child.out, "a_spec.lua:2: timed out after 0.2 s")
    has(child.out, "a_spec.lua:3: timed out after 0.2 s")
  end)

  it("gives up where a test catches its end again and again", function()
    local child = trees.test([[
      it("catches", function() while true do pcall(function() while true do end end) end end)
    ]], { "--timeout=0.1", before = { "--deterministic" } })
    assert.equal(1, child.status)
    has(child.err, "'catches' does not end when it is cancelled")
  end)
end)

local ACCOUNT = [[
local account = {}

function account.add(self, n)
  if n < 0 then
    error("negative")
  end
  self.n = self.n + n
end

return account
]]

local ACCOUNT_SPEC = [[
local account = require "account"
local lagoon = require "lagoon"
it("adds up", function()
  local a = { n = 0 }
  for _ = 1, 10 do account.add(a, 1) end
  assert.equal(10, a.n)
end)
it("adds up on all cores", function()
  lagoon.map({ 1, 2, 3, 4, 5, 6, 7, 8 }, function()
    local account = require "account"
    local a = { n = 0 }
    for _ = 1, 100 do account.add(a, 1) end
  end)
end)
]]

-- The records of a tracefile; each must add up.
local function records(text)
  local files, file = {}, nil
  assert.matches("^TN:\nSF:", text)
  for line in text:gmatch "[^\n]+" do
    local key, value = line:match "^(%u+):(.*)$"
    if key == "SF" then
      file = { lines = {}, n = 0, hit = 0 }
      files[value] = file
    elseif key == "DA" then
      local number, hits = value:match "^(%d+),(%d+)$"
      file.lines[tonumber(number)] = tonumber(hits)
      file.n = file.n + 1
      file.hit = file.hit + (tonumber(hits) > 0 and 1 or 0)
    elseif key == "LF" then
      assert.equal(file.n, tonumber(value))
    elseif key == "LH" then
      assert.equal(file.hit, tonumber(value))
    else
      assert(line == "end_of_record" or line == "TN:", line)
    end
  end
  return files
end

describe("--coverage", function()
  local files = { ["src/account.lua"] = ACCOUNT, ["spec/account_spec.lua"] = ACCOUNT_SPEC }

  it("counts the lines of all states, in lcov's form", function()
    local child, root = trees.test(files, { "--coverage=out.info" })
    assert.equal(0, child.status, child.out)
    has(child.out, "coverage: 6 of 7 lines have run (85.7 %), out.info")
    local counted = records(trees.read(root .. "/out.info"))
    local path, account = next(counted)
    assert.matches("^/.*/src/account.lua$", path)
    assert.is_nil(next(counted, path), "specs are not counted")
    assert.equal(810, account.lines[4])
    assert.equal(0, account.lines[5])
    assert.equal(810, account.lines[7])
    assert.is_nil(account.lines[2], "an empty line")
  end)

  it("is read by genhtml", function()
    if not trees.has "genhtml" then
      return
    end
    local _, root = trees.test(files, { "--coverage" })
    local read = helper.child({ "genhtml", "-o", root .. "/html", root .. "/lcov.info" })
    has(read.out, "lines......: 85.7% (6 of 7 lines)")
    assert.equal(0, read.status)
  end)

  it("goes together with --race-order", function()
    local child, root = trees.test(files, { "--coverage", "--race-order", "--seed=4" })
    assert.equal(0, child.status, child.out)
    local _, account = next(records(trees.read(root .. "/lcov.info")))
    assert.is_true(account.lines[4] >= 810)
    assert.equal(0, account.lines[5])
  end)
end)
