-- SPDX-License-Identifier: MIT
-- Random graphs of values: sent, received, compared; and messages that were broken on the way.
local core = require "lagoon.core"
local ffi = require "ffi"
local helper = require "helper"
local lagoon = require "lagoon"

local copy = core.transfer_copy

local Point = { __name = "Point" }
lagoon.class("transfer_random_spec.Point", Point)

local Wrapped = {}
Wrapped.__transfer = function(self)
  return function(a, b, class)
    return setmetatable({ a, b }, class)
  end, self[1], self[2], Wrapped
end
lagoon.class("transfer_random_spec.Wrapped", Wrapped) -- the argument travels by name

-- ---------------------------------------------------------------------------------------------
-- Graphs
-- ---------------------------------------------------------------------------------------------

local shared = { lagoon.chan(1), lagoon.mutex(), lagoon.atomic(1), lagoon.waitgroup() }

local makers = {
  function(a, b)
    return function()
      return a, b
    end
  end,
  function(a)
    local function inner(b)
      return a, b
    end
    return function()
      return inner
    end, inner
  end,
  function(a)
    local function self()
      return self, a
    end
    return self
  end,
  function(a, b)
    return function()
      return b
    end, function(...)
      return b, a, ...
    end
  end,
}

local function scalar(random)
  local kind = random(12)
  if kind <= 3 then
    return random(-200, 200)
  elseif kind == 4 then
    return random(-2147483, 2147483) * 1000
  elseif kind == 5 then
    return random(1000000) / 1024
  elseif kind == 6 then
    return ({ 0 / 0, 1 / 0, -1 / 0, -0.0, 2 ^ 31, -2 ^ 31, 2 ^ 53, 5e-324 })[random(8)]
  elseif kind == 7 then
    return random(2) == 1
  elseif kind == 8 then
    return ("long"):rep(random(8, 40)) .. random(3)
  elseif kind == 9 then
    return ffi.new(random(2) == 1 and "int64_t" or "uint64_t", random(1000000))
  elseif kind == 10 then
    return ({ print, string, string.rep, table.concat, _G })[random(5)]
  end
  return ("s%d\0"):format(random(50))
end

-- Any value: a new one, or one of the objects.
local function value(random, objects)
  local kind = random(10)
  if kind <= 5 or #objects == 0 then
    return scalar(random)
  elseif kind == 6 then
    return shared[random(#shared)]
  end
  return objects[random(#objects)]
end

local function fill(random, t, objects)
  local shape = random(6)
  if shape == 1 then
    t[0] = value(random, objects)
  end
  for i = 1, shape <= 4 and random(0, 12) or 0 do
    if shape ~= 2 or random(4) > 1 then
      t[i] = value(random, objects)
    end
  end
  for _ = 1, shape >= 3 and random(0, 8) or 0 do
    t["k" .. random(20)] = value(random, objects)
  end
  if random(5) == 1 then
    t[random(2) == 1] = value(random, objects)
    t[random(100) + 0.5] = value(random, objects)
    t[random(-1000000, 1000000)] = value(random, objects)
  end
end

-- Keys that are objects can be found again: by a number in them.
local function link(random, objects, nodes)
  for i, node in ipairs(nodes) do
    if random(10) == 1 then
      local key = nodes[random(#nodes)]
      key.number = key.number or i
      node[key] = value(random, objects)
    end
  end
end

local function graph(random, n)
  local objects, nodes = {}, {}
  for i = 1, n do
    nodes[i] = random(6) == 1 and setmetatable({}, Point) or {}
    objects[i] = nodes[i]
  end
  for _ = 1, random(0, n) do
    local f, g = makers[random(#makers)](value(random, objects), value(random, objects))
    objects[#objects + 1] = f
    objects[#objects + 1] = g
  end
  for _ = 1, random(0, 3) do
    objects[#objects + 1] = setmetatable({ scalar(random), { scalar(random) } }, Wrapped)
  end
  for _, node in ipairs(nodes) do
    fill(random, node, objects)
  end
  link(random, objects, nodes)
  return objects
end

-- ---------------------------------------------------------------------------------------------
-- Whether two graphs are the same but for the identity of what is in them
-- ---------------------------------------------------------------------------------------------

local Match = {}
Match.__index = Match

local function new_match()
  return setmetatable({ there = {}, back = {}, queue = {}, cells = {}, cells_back = {} }, Match)
end

-- Notes that a became b; false: it has been matched with another.
local function pair_up(there, back, a, b)
  if there[a] == nil and back[b] == nil then
    there[a], back[b] = b, a
    return true
  end
  assert(there[a] == b and back[b] == a, "the identity of an object is lost")
  return false
end

function Match:value(a, b, what)
  if type(a) ~= type(b) then
    error(("%s: %s became %s"):format(what, tostring(a), tostring(b)))
  elseif type(a) == "number" then
    assert(a == b and 1 / a == 1 / b or a ~= a and b ~= b, what)
  elseif type(a) == "cdata" then
    assert(tostring(a) == tostring(b), what)
  elseif type(a) == "table" and a ~= _G and a ~= string then
    assert(a ~= b, what .. ": a table is the sender's own")
    if pair_up(self.there, self.back, a, b) then
      self.queue[#self.queue + 1] = { a, b }
    end
  elseif type(a) == "function" and debug.getinfo(a, "S").what ~= "C" then
    assert(a ~= b, what .. ": a function is the sender's own")
    if pair_up(self.there, self.back, a, b) then
      self.queue[#self.queue + 1] = { a, b }
    end
  else
    assert(a == b, what)
  end
end

local function numbered(t)
  local keys = {}
  for k in pairs(t) do
    if type(k) == "table" then
      assert(keys[k.number] == nil)
      keys[k.number] = k
    end
  end
  return keys
end

function Match:tables(a, b)
  assert(getmetatable(a) == getmetatable(b), "a metatable")
  local n = 0
  for k, v in pairs(a) do
    n = n + 1
    if type(k) ~= "table" then
      self:value(v, rawget(b, k), tostring(k))
    end
  end
  local keys = numbered(b)
  for number, k in pairs(numbered(a)) do
    self:value(k, keys[number], "a key")
    self:value(a[k], b[keys[number]], "under a key")
  end
  for _ in pairs(b) do
    n = n - 1
  end
  assert(n == 0, "a table has more or less")
end

function Match:functions(a, b)
  local i = 0
  repeat
    i = i + 1
    local name, v = debug.getupvalue(a, i)
    local other, w = debug.getupvalue(b, i)
    assert(name == other, "an upvalue")
    if name then
      self:value(v, w, "upvalue " .. name)
      pair_up(self.cells, self.cells_back, debug.upvalueid(a, i), debug.upvalueid(b, i))
    end
  until not name
  assert(debug.getinfo(a, "S").linedefined == debug.getinfo(b, "S").linedefined)
end

function Match:run(a, b)
  self:value(a, b, "root")
  local i = 1
  while self.queue[i] do
    local x, y = self.queue[i][1], self.queue[i][2]
    if type(x) == "table" then
      self:tables(x, y)
    else
      self:functions(x, y)
    end
    i = i + 1
  end
end

describe("transfer of random graphs", function()
  local function try(random, n)
    local objects = graph(random, n)
    new_match():run(objects, copy(objects))
  end

  it("gives equal graphs", function()
    local random = helper.random(1)
    for round = 1, helper.rounds(400) do
      local ok, err = pcall(try, random, random(round % 20 == 0 and 300 or 12))
      if not ok then
        error(("seed %d, round %d: %s"):format(helper.seed(), round, err))
      end
    end
  end)

  it("does so for many goroutines at a time", function()
    local ndone, n = lagoon.atomic(0), 8
    for i = 1, n do
      lagoon.go(function()
        local random = helper.random(10 + i)
        for _ = 1, helper.rounds(20) do
          try(random, random(20))
          lagoon.yield()
        end
        ndone:add(1)
      end)
    end
    helper.settle(function()
      return ndone:get() == n
    end)
  end)

  it("gives them back as they were from another state", function()
    local there, back = lagoon.chan(4), lagoon.chan(4)
    local task = lagoon.parallel(function(from, to)
      for graphs in from do
        to:send(graphs)
      end
    end, there, back)
    local random = helper.random(5)
    for _ = 1, helper.rounds(100) do
      local objects = graph(random, random(20))
      there:send(objects)
      new_match():run(objects, back:recv())
    end
    there:close()
    task:wait()
  end)

  it("refuses or gives all of it, where there is something that cannot be sent", function()
    local random = helper.random(2)
    for _ = 1, helper.rounds(200) do
      local objects = graph(random, random(30))
      local bad = objects[random(#objects)]
      if type(bad) == "table" then
        bad[random(3)] = ({ io.stdout, coroutine.create(print), newproxy() })[random(3)]
        local ok, err = pcall(copy, objects)
        if not ok then
          assert(err:find("^cannot send a %l+ %(at .*%) to another Lua state$") or
            err:find(": cannot send a %l+ %(at .*%) to another Lua state$"), err)
        end
      end
    end
  end)
end)

-- ---------------------------------------------------------------------------------------------
-- Broken messages, which check builds can make
-- ---------------------------------------------------------------------------------------------

local spoil = core.transfer_spoil

describe("receiving a broken message", function()
  if not spoil then
    return
  end

  -- What functions bring along would be set as globals.
  local function receive(message, size, edits)
    local ok, err = pcall(spoil, message, size, edits)
    if not ok then
      assert(type(err) == "string", "an error that is no message")
    end
    return ok, err
  end

  local function text_of(message)
    local size, text = spoil(message, nil, {})
    return size, text
  end

  local sample = { 1, 300, 100000, 1.5, "short", ("long"):rep(20), true, x = { y = {} },
    f = makers[1](1, { 2 }), g = print, w = setmetatable({ 1, 2 }, Wrapped),
    p = setmetatable({ 1 }, Point), c = shared[1], i = 5LL, far = ("long"):rep(20) }
  sample.self = sample
  sample.h, sample.k = makers[4](sample, sample.f)

  it("is an error for every length that is too short", function()
    local size = text_of(sample)
    for n = 0, size - 1 do
      local ok, err = receive(sample, n, {})
      assert(not ok and err:find("cannot receive a broken message$"), err)
    end
    assert.is_true((receive(sample, size, {})))
  end)

  it("ends in a value or an error for each byte that is another", function()
    local size, text = text_of(sample)
    for at = 0, size - 1 do
      for bit = 0, 7 do
        local edit = { [at] = bit }
        receive(sample, nil, edit)
        edit[at] = require("bit").bxor(text:byte(at + 1), 2 ^ bit)
        receive(sample, nil, edit)
      end
    end
    new_match():run(sample, copy(sample))
  end)

  it("ends so for random changes", function()
    local random = helper.random(3)
    for _ = 1, helper.rounds(3000) do
      local message = random(3) == 1 and sample or graph(random, random(8))
      local edits = {}
      for _ = 1, random(4) do
        edits[random(0, 1000)] = random(0, 255)
      end
      receive(message, random(4) == 1 and random(0, 1000) or nil, edits)
    end
    new_match():run(sample, copy(sample))
  end)

  it("ends so for random bytes", function()
    local random = helper.random(4)
    for _ = 1, helper.rounds(3000) do
      local edits = {}
      for at = 0, random(8, 200) do
        edits[at] = random(3) == 1 and random(0, 255) or random(0, 24)
      end
      if random(2) == 1 then -- a head that is likely
        edits[0], edits[1], edits[2], edits[3] = 1, 0, 0, 0
        edits[4], edits[5], edits[6], edits[7] = random(0, 20), 0, 0, 0
      end
      receive(sample, nil, edits)
    end
    new_match():run(sample, copy(sample))
  end)

  it("asks for no more memory than the message could need", function()
    local message = {}
    for i = 1, 100 do
      message[i] = {}
    end
    local size, text = text_of(message)
    local at = text:find("\013" .. ("\0"):rep(8), 20, true)
    collectgarbage()
    local before = collectgarbage("count")
    local edits = {}
    for byte = 1, 7 do
      edits[at + byte - 1] = 0x7f
    end
    local ok, err = receive(message, size, edits)
    assert(not ok and err:find("cannot receive a broken message$"), err)
    assert.is_true(collectgarbage("count") - before < 1000)
  end)
end)
