-- SPDX-License-Identifier: MIT
--
-- How long does the spectral-norm program of the benchmarks game take for a matrix of `size` by
-- `size`? Nothing but arithmetic and reads of arrays in short loops.
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local NORM = 1.274224 -- of the infinite matrix, as far as it is known here

local function element(i, j)
    return 1 / ((i + j) * (i + j + 1) / 2 + i + 1)
end

local function multiply(n, from, to)
    for i = 0, n - 1 do
        local sum = 0
        for j = 0, n - 1 do
            sum = sum + element(i, j) * from[j]
        end
        to[i] = sum
    end
end

local function multiply_transposed(n, from, to)
    for i = 0, n - 1 do
        local sum = 0
        for j = 0, n - 1 do
            sum = sum + element(j, i) * from[j]
        end
        to[i] = sum
    end
end

local function norm(n)
    local u, v, t = {}, {}, {}
    for i = 0, n - 1 do
        u[i] = 1
    end
    for _ = 1, 10 do
        multiply(n, u, t)
        multiply_transposed(n, t, v)
        multiply(n, v, t)
        multiply_transposed(n, t, u)
    end
    local uv, vv = 0, 0
    for i = 0, n - 1 do
        uv, vv = uv + u[i] * v[i], vv + v[i] * v[i]
    end
    return math.sqrt(uv / vv)
end

local size = meter.size(300)
local repetitions = meter.ops(3, 1)
meter.run("spectral", 1, 1, function()
    for _ = 1, repetitions do
        meter.check(math.abs(norm(size) - NORM) < 1e-3, "the norm is wrong")
    end
end)
