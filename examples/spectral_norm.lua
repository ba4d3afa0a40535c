-- SPDX-License-Identifier: MIT
--
-- The spectral norm of an infinite matrix, from the benchmarks game: computation and nothing else,
-- first as one would write it for one core, then on all of them.
--
-- Ten times a vector is multiplied by a matrix of N x N and by its transpose. Each element of a
-- product is a sum over one row and needs nobody else's, so the rows are shared out in blocks.
-- Every sum is made in the same order as before: the result is the same to the last bit.
--
-- usage: lagoon spectral_norm.lua [N]
local lagoon = require "lagoon"

local ROUNDS = 10

-- The element at row i, column j, both from 0.
local function element(i, j)
    return 1 / ((i + j) * (i + j + 1) / 2 + i + 1)
end

local function transposed(i, j)
    return element(j, i)
end

-- Rows first to last of the product of the matrix and v.
local function rows(first, last, matrix, v)
    local out, n = {}, #v
    for i = first, last do
        local sum = 0
        for j = 1, n do
            sum = sum + matrix(i - 1, j - 1) * v[j]
        end
        out[#out + 1] = sum
    end
    return out
end

-- The product on one core...
local function multiply(matrix, v)
    return rows(1, #v, matrix, v)
end

-- ... and on all. What the function captures goes along: `rows`, the matrix, a copy of v. Twice as
-- many blocks as cores, so that one core that is late does not keep all the others waiting.
local function multiply_parallel(matrix, v)
    local n = #v
    local nblocks = math.min(n, 2 * lagoon.runtime.procs())
    local blocks = {}
    for i = 1, nblocks do
        blocks[i] = { math.floor((i - 1) * n / nblocks) + 1, math.floor(i * n / nblocks) }
    end
    local out = {}
    for _, part in ipairs(lagoon.map(blocks, function(block)
        return rows(block[1], block[2], matrix, v)
    end)) do
        for _, sum in ipairs(part) do
            out[#out + 1] = sum
        end
    end
    return out
end

local function norm(n, product)
    local u, v = {}, nil
    for i = 1, n do
        u[i] = 1
    end
    for _ = 1, ROUNDS do
        v = product(transposed, product(element, u))
        u = product(transposed, product(element, v))
    end
    local uv, vv = 0, 0
    for i = 1, n do
        uv, vv = uv + u[i] * v[i], vv + v[i] * v[i]
    end
    return math.sqrt(uv / vv)
end

local function timed(...)
    local start = lagoon.now()
    local result = norm(...)
    return result, lagoon.now() - start
end

local n = tonumber(arg[1] or 2000)
if not n or n < 1 or n % 1 ~= 0 then
    io.stderr:write("usage: lagoon spectral_norm.lua [N]\n")
    os.exit(1)
end
local one, seconds_one = timed(n, multiply)
local all, seconds_all = timed(n, multiply_parallel)
print(("one core:  %.9f"):format(one))
print(("all cores: %.9f"):format(all))
print("the same to the last bit: " .. tostring(one == all))
print(("%.0f ms, and %.0f ms with %d"):format(seconds_one * 1e3, seconds_all * 1e3,
    lagoon.runtime.procs()))
