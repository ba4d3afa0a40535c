-- SPDX-License-Identifier: MIT
--
-- The CRC-32 checksums of files, as zip and gzip have them: a parallel map over real files.
--
-- What a task takes along is worth a look. `crc_of` captures the table, which is copied once into
-- each Lua state, and not again for the next file. Paths go there, numbers come back; the texts,
-- which are large, never travel.
--
-- usage: lagoon checksum.lua [FILE...]
--
-- Without files it takes the licence texts that every Debian has. Exit status: 1 if something
-- could not be read.
local lagoon = require "lagoon"
local bit = require "bit"

local band, bxor, rshift = bit.band, bit.bxor, bit.rshift

local BLOCK_BYTES = 65536

-- What each value of a byte does to the checksum: the polynomial of IEEE 802.3, backwards.
local function new_table()
    local effects = {}
    for byte = 0, 255 do
        local crc = byte
        for _ = 1, 8 do
            crc = bxor(rshift(crc, 1), band(crc, 1) * 0xedb88320)
        end
        effects[byte] = crc
    end
    return effects
end

local EFFECTS = new_table()

local function add(crc, text)
    for i = 1, #text do
        crc = bxor(rshift(crc, 8), EFFECTS[band(bxor(crc, text:byte(i)), 255)])
    end
    return crc
end

local function crc_of(path)
    local file, why = io.open(path, "rb")
    if not file then
        return { failure = why }
    end
    local crc, nbytes = -1, 0
    while true do
        local text, read_why = file:read(BLOCK_BYTES)
        if not text then
            file:close()
            return { crc = bit.bnot(crc), nbytes = nbytes,
                failure = read_why and path .. ": " .. read_why }
        end
        crc = add(crc, text)
        nbytes = nbytes + #text
    end
end

local function licences()
    local paths = {}
    local list = io.popen "LC_ALL=C ls -d /usr/share/common-licenses/*"
    for path in list:lines() do
        paths[#paths + 1] = path
    end
    list:close()
    return paths
end

local paths = arg[1] and arg or licences()
local has_failed = false
-- In parallel, and yet in order.
for i, result in ipairs(lagoon.map(paths, crc_of)) do
    if result.failure then
        has_failed = true
        io.stderr:write("checksum: ", result.failure, "\n")
    else
        print(("%s %10d  %s"):format(bit.tohex(result.crc), result.nbytes, paths[i]))
    end
end
if has_failed then
    os.exit(1)
end
