-- SPDX-License-Identifier: MIT
--
-- Tour 3: buffered channels, closing, ranging.
--
-- chan(n) has room for n values: senders wait only when it is full. `close` says that no more
-- will come; receivers first get what is in the buffer. `for v in ch do` ends after that.
local lagoon = require "lagoon"
local go, chan = lagoon.go, lagoon.chan

local letters = chan(3)
go(function()
    for letter in ("lagoon"):gmatch "." do
        letters:send(letter)
        print(("sent %s, %d of %d places taken"):format(letter, #letters, letters:cap()))
    end
    letters:close() -- by the sender: it knows that nothing follows
end)

local word = {}
for letter in letters do
    word[#word + 1] = letter:upper()
end
print("received " .. table.concat(word))

-- A pipeline: each stage is a goroutine, closing its output when its input has ended.
local function stage(input, f)
    local output = chan(8)
    go(function()
        for v in input do
            output:send(f(v))
        end
        output:close()
    end)
    return output
end

local numbers = chan(8)
go(function()
    for i = 1, 10 do
        numbers:send(i)
    end
    numbers:close()
end)

local function square(n)
    return n * n
end
local function label(n)
    return "#" .. n
end
local out = {}
for v in stage(stage(numbers, square), label) do
    out[#out + 1] = v
end
print(table.concat(out, " "))

-- nil may be sent. `recv` tells it from the end: ok is true for a value, false at the end.
local box = chan(1)
box:send(nil)
box:close()
print("a sent nil:", box:recv())
print("the end:   ", box:recv())
print("sending now:", pcall(box.send, box, 1))
