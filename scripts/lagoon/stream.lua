-- SPDX-License-Identifier: MIT
--
-- What connections and files have in common: reading in formats, lines, writing all of it.
local settle = require("lagoon.waited").settle

local stream = {}

---A class of streams, for further methods.
---@param c_read function  the C halves
---@param c_write function
---@return lagoon.Stream
function stream.new_class(c_read, c_write)
    ---@class lagoon.Stream
    local Stream = {}

    ---Reads: without a format what there is, a byte at least; a number: so many bytes, fewer only
    ---where the stream or the file ends; "*l": a line without its newline, "*L" with it; "*a": all
    ---up to the end. nil at the end; what is appended to a file later can still be read. A deadline
    ---or a cancellation loses nothing: what has come is read by the next call. Where "*a" ends with
    ---an error, what came before is the fourth result.
    ---@async
    ---@param format? integer|"*l"|"*L"|"*a"
    ---@return string? data
    ---@return string? err
    ---@return string? code
    ---@return string? partial
    function Stream:read(format)
        return settle(c_read(self, format))
    end

    ---Writes all of it, at once: nothing is kept back. Waits where the other side is slow. Returns
    ---how many bytes; with an error, as the fourth result, how many of them are gone. On a
    ---connection a write that was cut in two is the last one.
    ---@async
    ---@param ... string|number
    ---@return integer? n
    ---@return string? err
    ---@return string? code
    ---@return integer? n_gone
    function Stream:write(...)
        return settle(c_write(self, ...))
    end

    ---An iterator over the lines, without their newlines; raises an error other than the end.
    ---@return async fun(): string?
    function Stream:lines()
        return function()
            local line, err = self:read("*l")
            if err then
                error(err, 2)
            end
            return line
        end
    end

    return Stream
end

return stream
