-- SPDX-License-Identifier: MIT
local helper = require "helper"
local lagoon = require "lagoon"

local settle, quiet = helper.settle, helper.quiet

describe("go", function()
  it("returns nothing", function()
    assert.equal(0, select("#", lagoon.go(function() end)))
  end)

  it("lets the caller go on first", helper.unpreempted("about an order", function()
    local order = {}
    lagoon.go(function() order[#order + 1] = "goroutine" end)
    order[#order + 1] = "caller"
    lagoon.yield()
    assert.same({ "caller", "goroutine" }, order)
  end))

  it("starts goroutines in order", helper.unpreempted("about an order", function()
    local order = {}
    for i = 1, 100 do
      lagoon.go(function() order[i] = #order + 1 end)
    end
    settle(function() return #order == 100 end)
    for i = 1, 100 do
      assert.equal(i, order[i])
    end
  end))

  it("passes all arguments, nils included", function()
    local seen
    lagoon.go(function(...) seen = { n = select("#", ...), ... } end, 1, nil, "x", nil)
    quiet()
    assert.same({ n = 4, 1, nil, "x", nil }, seen)
  end)

  it("passes 200 arguments", function()
    local words, seen = {}, nil
    for i = 1, 200 do
      words[i] = i
    end
    lagoon.go(function(...) seen = { ... } end, unpack(words))
    quiet()
    assert.same(words, seen)
  end)

  it("shares every variable with the others", function()
    local count, shared, mutex = 0, {}, lagoon.mutex()
    for i = 1, 10 do
      lagoon.go(function()
        for _ = 1, 10 do
          mutex:lock()
          count = count + 1
          mutex:unlock()
          if i % 2 == 0 then
            lagoon.yield()
          end
        end
        shared[i] = true
      end)
    end
    quiet()
    assert.equal(10, #shared)
    assert.equal(100, count)
  end)

  it("takes what can be called", function()
    local seen
    local callable = setmetatable({}, { __call = function(_, value) seen = value end })
    lagoon.go(callable, 5)
    quiet()
    assert.equal(5, seen)
  end)

  it("takes a C function", function()
    local words = {}
    lagoon.go(rawset, words, "key", 7)
    quiet()
    assert.equal(7, words.key)
  end)

  it("refuses what cannot be called, by its type", function()
    for want, value in pairs { number = 1, string = "f", table = {}, boolean = true } do
      assert.equal(("bad argument #1 to 'go' (function expected, got %s)"):format(want),
        helper.message_of(function() lagoon.go(value) end))
    end
    assert.matches("^bad argument #1 to 'go' %(function expected, got no value%)$",
      helper.message_of(function() lagoon.go() end))
    assert.matches("got nil", helper.message_of(function() lagoon.go(nil, 1) end))
    assert.equal(1, lagoon.runtime.num_goroutine())
  end)

  it("starts goroutines from goroutines", function()
    local count = lagoon.atomic(0)
    local function tree(depth)
      count:add(1)
      if depth > 0 then
        lagoon.go(tree, depth - 1)
        lagoon.go(tree, depth - 1)
      end
    end
    tree(9)
    settle(function() return count:get() == 1023 end)
  end)

  it("keeps coroutines of goroutines apart from the script's", function()
    local inside, main
    lagoon.go(function() inside, main = coroutine.running() end)
    quiet()
    assert.equal("thread", type(inside))
    assert.is_not_true(main)
  end)

  it("lets goroutines have as deep a stack as the script", function()
    local depth
    lagoon.go(function()
      local function dig(n) return n == 0 and 0 or 1 + dig(n - 1) end
      depth = dig(10000)
    end)
    settle(function() return depth end)
    assert.equal(10000, depth)
  end)

  it("starts, parks, wakes and finishes many", function()
    local n = helper.is_stress() and 1000000 or helper.rounds(100000)
    local gate, count = lagoon.chan(), lagoon.atomic(0)
    for _ = 1, n do
      lagoon.go(function()
        gate:recv()
        count:add(1)
      end)
    end
    lagoon.yield()
    assert.equal(n + 1, lagoon.runtime.num_goroutine())
    gate:close()
    settle(function() return count:get() == n end)
  end)
end)

describe("yield", function()
  it("lets each other goroutine run once", helper.unpreempted("about an order", function()
    local order = {}
    for i = 1, 3 do
      lagoon.go(function()
        for round = 1, 3 do
          order[#order + 1] = round * 10 + i
          lagoon.yield()
        end
      end)
    end
    settle(function() return #order == 9 end)
    assert.same({ 11, 12, 13, 21, 22, 23, 31, 32, 33 }, order)
  end))

  it("returns nothing", function()
    assert.equal(0, select("#", lagoon.yield()))
  end)

  it("goes on when there is nobody else", function()
    for _ = 1, helper.rounds(100000) do
      lagoon.yield()
    end
  end)
end)

describe("self", function()
  it("is the calling goroutine's task, of go and of async", function()
    local mine = lagoon.self()
    assert.equal(mine, lagoon.self())
    local inside
    lagoon.go(function() inside = lagoon.self() end)
    local task = lagoon.async(function() return lagoon.self() end)
    assert.equal(task, task:wait())
    assert.not_equal(mine, inside)
    assert.not_equal(task, inside)
    assert.equal("done", inside:status())
    assert.equal("running", mine:status())
  end)

  it("is the goroutine's also in a coroutine of the script", function()
    local mine = lagoon.self()
    local inside
    coroutine.wrap(function() inside = lagoon.self() end)()
    assert.equal(mine, inside)
  end)

  it("has a number that no other gets", function()
    local seen = {}
    for _ = 1, 500 do
      local id = lagoon.async(function() return lagoon.self():id() end):wait()
      assert.is_number(id)
      assert.is_nil(seen[id])
      seen[id] = true
    end
  end)
end)

describe("a prime sieve", function()
  it("finds the 100th prime and can be taken down", function()
    local numbers = lagoon.chan()
    local quit = lagoon.chan()
    lagoon.go(function()
      local n = 2
      while lagoon.select(numbers:sending(n), quit) == 1 do
        n = n + 1
      end
    end)
    local prime
    local source = numbers
    for _ = 1, 100 do
      prime = source:recv()
      local from, to, divisor = source, lagoon.chan(), prime
      lagoon.go(function()
        while true do
          local case, n = lagoon.select(from, quit)
          if case == 2 then
            return
          end
          if n % divisor ~= 0 and lagoon.select(to:sending(n), quit) == 2 then
            return
          end
        end
      end)
      source = to
    end
    assert.equal(541, prime)
    quit:close()
  end)
end)

describe("a daisy chain", function()
  it("of 10,000 goroutines adds up", function()
    local n = math.max(1000, helper.rounds(10000))
    local leftmost = lagoon.chan()
    local left, right = leftmost, leftmost
    for _ = 1, n do
      right = lagoon.chan()
      local l, r = left, right
      lagoon.go(function() l:send(1 + r:recv()) end)
      left = right
    end
    right:send(0)
    assert.equal(n, (leftmost:recv()))
  end)
end)
