-- SPDX-License-Identifier: MIT
--
-- Programs that LuaJIT compiles well, many at once in one state and in workers, beside collections
-- and errors. What is printed depends on nothing but the seed: an interrupted run is compared with
-- one that nobody interrupts.
--
-- usage: lagoon spec/stress/compute.lua [rounds [seed]]
local lagoon = require "lagoon"

local rounds, seed = tonumber(arg[1]) or 1, tonumber(arg[2]) or 1

local works = {
  function(n) -- n-body, in doubles
    local x, y, vx, vy = { 0, 1, 5 }, { 0, 0.5, 2 }, { 0, 0.1, -0.2 }, { 0.01, 0.3, 0.1 }
    for _ = 1, 2000 + n do
      for i = 1, 3 do
        for j = i + 1, 3 do
          local dx, dy = x[i] - x[j], y[i] - y[j]
          local d = 0.001 / (dx * dx + dy * dy + 0.01)
          vx[i], vy[i] = vx[i] - dx * d, vy[i] - dy * d
          vx[j], vy[j] = vx[j] + dx * d, vy[j] + dy * d
        end
      end
      for i = 1, 3 do x[i], y[i] = x[i] + vx[i] * 0.01, y[i] + vy[i] * 0.01 end
    end
    return ("%.17g %.17g"):format(x[1], y[3])
  end,
  function(n) -- fannkuch
    local size, flips_max, checksum = 7, 0, 0
    local perm, q = {}, {}
    for i = 1, size do perm[i], q[i] = i, i end
    for round = 1, 500 + n do
      for i = 1, size do q[i] = perm[i] end
      local flips = 0
      while q[1] ~= 1 do
        local i, j = 1, q[1]
        while i < j do
          q[i], q[j] = q[j], q[i]
          i, j = i + 1, j - 1
        end
        flips = flips + 1
      end
      flips_max = math.max(flips_max, flips)
      checksum = checksum + (round % 2 == 0 and flips or -flips)
      local at = round % (size - 1) + 1
      perm[at], perm[at + 1] = perm[at + 1], perm[at]
      perm[1], perm[size] = perm[size], perm[1]
    end
    return flips_max .. " " .. checksum
  end,
  function(n) -- spectral norm
    local size = 20 + n % 10
    local u, v = {}, {}
    for i = 1, size do u[i] = 1 end
    local function a(i, j) return 1 / ((i + j - 1) * (i + j - 2) / 2 + i) end
    for _ = 1, 6 do
      for i = 1, size do
        local sum = 0
        for j = 1, size do sum = sum + a(i, j) * u[j] end
        v[i] = sum
      end
      u, v = v, u
    end
    return ("%.17g"):format(u[1])
  end,
  function(n) -- binary trees
    local function make(depth)
      return depth == 0 and {} or { make(depth - 1), make(depth - 1) }
    end
    local function count(tree)
      return tree[1] and 1 + count(tree[1]) + count(tree[2]) or 1
    end
    return tostring(count(make(8 + n % 3)))
  end,
  function(n) -- strings
    local parts = {}
    for i = 1, 300 + n do parts[i] = ("%d:%x"):format(i * n, i) end
    local text = table.concat(parts, ",")
    local sum = 0
    for word in text:gmatch("%d+:") do sum = sum + #word end
    local rest = text:gsub("%d", function(d) return d == "7" and "" or nil end)
    return #text .. " " .. sum .. " " .. #rest
  end,
  function(n) -- sorting, metamethods
    local t, meta = {}, { __lt = function(a, b) return a[1] < b[1] end }
    for i = 1, 200 do t[i] = setmetatable({ (i * 7919 + n) % 211 }, meta) end
    table.sort(t, function(a, b) return a < b end)
    return t[1][1] .. " " .. t[100][1] .. " " .. t[200][1]
  end,
  function(n) -- errors through pcall, C and coroutines
    local sum = 0
    for i = 1, 200 do
      local ok, err = pcall(string.gsub, "abc", ".", function(c)
        if i % 3 == 0 then error({ i }) end
        return c:upper()
      end)
      sum = sum + (ok and #err or err[1])
      local co = coroutine.wrap(function(a)
        local b = coroutine.yield(a + 1)
        if b % 5 == 0 then error("five", 0) end
        return b
      end)
      sum = sum + co(i)
      local ok2, got = pcall(co, i + n)
      sum = sum + (ok2 and got or #got)
    end
    return tostring(sum)
  end,
  function(n) -- cdata
    local ffi = require "ffi"
    local a = ffi.new("double[64]")
    local total = 0LL
    for i = 1, 5000 + n do
      a[i % 64] = a[i % 64] + i
      total = total + i * 3LL
    end
    return tostring(total) .. " " .. a[5]
  end,
  function(n) -- tables with all kinds of keys, pairs
    local t, sum = {}, 0
    for i = 1, 500 do
      t[i], t["k" .. i], t[i + 0.5] = i, i, n
    end
    for _, v in pairs(t) do sum = sum + v end
    for i = 1, 500, 2 do t[i], t["k" .. i] = nil, nil end
    for k, v in pairs(t) do sum = sum + v + (type(k) == "string" and #k or 0) end
    return tostring(sum)
  end,
}

local function run(all, from, n)
  local results = {}
  for i = 1, #all do
    local at = (i + from) % #all + 1
    results[at] = all[at](n * 13 % 97)
  end
  return table.concat(results, "; ")
end

local is_over = false
local collector = lagoon.async(function()
  local n = 0
  while not is_over do
    n = n + 1
    if n % 50 == 0 then jit.flush() end
    collectgarbage(n % 10 == 0 and "collect" or "step")
    lagoon.sleep(0.0003)
  end
end)

for round = 1, rounds do
  local tasks = {}
  for i = 1, 6 do
    local start = i <= 4 and lagoon.async or lagoon.parallel
    tasks[i] = start(run, works, i + seed, round * 7 + i + seed)
  end
  for i = 1, #tasks do
    print(round, i, tasks[i]:wait())
  end
end
is_over = true
collector:wait()
