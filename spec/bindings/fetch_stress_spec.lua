-- SPDX-License-Identifier: MIT
--
-- Transfers of all kinds at once, in several states, ended in all ways. What is random can be
-- repeated with --seed.
local lagoon = require "lagoon"
local helper = require "helper"
local http = lagoon.http

local PIECE = ("x"):rep(65536)

local function answer(req, res)
  if req.path == "/large" then
    for _ = 1, 8 do
      if not res:write(PIECE) then
        return
      end
    end
  elseif req.path == "/echo" then
    for data in function() return (req:read()) end do
      res:write(data)
    end
  elseif req.path == "/late" then
    lagoon.sleep(0.002)
    res:write("late")
  elseif req.path == "/half" then
    res.headers["Content-Length"] = 100
    res:write("half")
    res:flush()
    error("half of it")
  else
    res:write("small")
  end
end

-- In any state: k goroutines make n requests each, and check what comes of them.
local function ask_many(seed, url, n, k)
  local own = require "lagoon"
  local client = own.http

  local function luck(most)
    seed = seed * 16807 % 2147483647
    return seed % most + 1
  end

  local acts = {
    function()
      assert(assert(client.get(url, { stream = false })).body == "small")
    end,
    function()
      local res, size = assert(client.get(url .. "/large")), 0
      for data in function() return (res:read()) end do
        size = size + #data
        if luck(10) == 1 then
          own.yield()
        end
      end
      assert(size == 8 * 65536, size)
    end,
    function()
      local res = assert(client.get(url .. "/large"))
      res:read(luck(100000))
      res:close()
    end,
    function()
      client.get(url .. "/large") -- is left to the collector
      if luck(5) == 1 then
        collectgarbage()
      end
    end,
    function()
      local res, _, code = client.get(url .. "/late", { timeout = luck(4) / 1000 })
      assert(res or code == "ETIMEDOUT", code)
      if res then
        res:close()
      end
    end,
    function()
      local task = own.async(function()
        return assert(client.get(url .. "/late", { stream = false })).body
      end)
      for _ = 1, luck(20) do
        own.yield()
      end
      task:cancel("enough")
      local _, result = pcall(task.wait, task)
      assert(result == "late" or result == "enough", result)
    end,
    function()
      local sent = {}
      local res = assert(client.request { url = url .. "/echo", method = "POST", body = function()
        if #sent < 10 then
          sent[#sent + 1] = ("y"):rep(luck(5000))
          return sent[#sent]
        end
      end })
      assert(res:read("*a") == table.concat(sent))
    end,
    function()
      assert(select(3, client.get(url .. "/half", { stream = false })) == "EOF")
    end,
    client.close_idle,
  }

  local group = own.group()
  for _ = 1, k do
    group:go(function()
      for _ = 1, n do
        acts[luck(#acts)]()
      end
    end)
  end
  group:wait()
  collectgarbage()
  collectgarbage()
  client.close_idle()
  return true
end

describe("transfers of all kinds at once", function()
  it("bring what they should, or say why not, and leave nothing behind", function()
    local server = assert(http.serve("127.0.0.1:0", answer, { log = function() end }))
    local url, n, tasks = "http://" .. server:addr(), helper.rounds(8), {}
    local random = helper.random(31)
    if not helper.is_hosted() then
      for i = 1, 2 do
        tasks[i] = helper.parallel(ask_many, random(1000000), url, n, 8)
      end
    end
    assert.is_true(ask_many(random(1000000), url, n, 8))
    for _, task in ipairs(tasks) do
      assert.is_true((task:wait()))
    end
    server:close(5)
  end)
end)
