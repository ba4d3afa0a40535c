-- SPDX-License-Identifier: MIT
--
-- A session of the REPL as a picture: types into the real program in a terminal, and draws what
-- the terminal shows.
--
-- usage: lagoon tools/pictures/repl.lua PROGRAM OUTPUT.svg      (in the root of the tree)
package.path = "spec/?.lua;" .. package.path
local lagoon = require "lagoon"
local vt = require "vt"

local PROGRAM, OUTPUT = assert(arg[1], "no program"), assert(arg[2], "no output")
local COLUMNS, ROWS = 84, 30

-- What is typed, and the prompt after it.
local SESSION = {
    { "local jobs, squares = chan(4), chan()", "2>" },
    { "for i = 1, 3 do\n  go(function()\n    for n in jobs do squares:send(n * n) end\n"
        .. "  end)\nend", "3>" },
    { "for n = 1, 6 do jobs:send(n) end    -- three at work, and room for four", "4>" },
    { "squares:recv() + squares:recv()", "5>" },
    { "{ jobs = jobs, primes = { 2, 3, 5 }, ready = true, note = 'as code' }", "6>" },
    { "lagoon.map({ 24, 25, 26 }, function(n)    -- on every core\n"
        .. "  local function fib(k) return k < 2 and k or fib(k - 1) + fib(k - 2) end\n"
        .. "  return fib(n)\nend)", "7>" },
    { "error 'no fish today'", "8>" },
    { ":ps", "8>" },
}

local PALETTE = {
    ["31"] = "#ff8f87", ["32"] = "#9fd18b", ["33"] = "#e6c07b", ["34"] = "#7fb4f0",
    ["35"] = "#cba6f7", ["36"] = "#6fd0d6", ["90"] = "#71838c",
}
local CELL_W, CELL_H, MARGIN, BAR = 8.43, 19, 18, 34

local function start()
    local command = ("stty rows %d cols %d; exec '%s'"):format(ROWS, COLUMNS, PROGRAM)
    local home = os.tmpname()
    os.remove(home)
    return assert(lagoon.process.spawn("script", { "-qfec", command, "/dev/null" }, {
        env = { TERM = "xterm", XDG_STATE_HOME = home, HOME = home, PATH = os.getenv "PATH" },
    }))
end

local function read_into(screen, process)
    return lagoon.async(function()
        while true do
            local bytes = process.stdout:read()
            if not bytes then
                return
            end
            screen:feed(bytes)
        end
    end)
end

-- The prompt comes after what was there before.
local function wait_for(screen, prompt, before)
    local limit = lagoon.now() + 20
    while screen:text() == before or not screen:text():find("\n" .. prompt .. "$") do
        assert(lagoon.now() < limit, "the prompt does not come:\n" .. screen:text())
        lagoon.sleep(0.01)
    end
end

local function session()
    local process, screen = start(), vt.new(COLUMNS, ROWS)
    read_into(screen, process)
    wait_for(screen, "1>")
    for _, step in ipairs(SESSION) do
        local before = screen:text()
        process.stdin:write("\27[200~" .. step[1] .. "\27[201~\r") -- pasted
        wait_for(screen, step[2], before)
    end
    local n = select(2, screen:text():gsub("\n", "")) + 1
    process:kill()
    process:wait()
    return screen, n - 1 -- without the last prompt
end

local function escape(text)
    return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }))
end

local function attributes(style)
    local out = {}
    for code in style:gmatch("%d+") do
        if PALETTE[code] then
            out[#out + 1] = (' fill="%s"'):format(PALETTE[code])
        elseif code == "1" then
            out[#out + 1] = ' font-weight="700"'
        end
    end
    return table.concat(out)
end

-- A row as spans of one style each.
local function row_svg(screen, row, out)
    local cells, styles = screen.rows[row] or {}, screen.styles[row] or {}
    local last, column = 0, 1
    for i in pairs(cells) do
        last = math.max(last, i)
    end
    while column <= last do
        local first, style, text = column, styles[column] or "", {}
        while column <= last and (styles[column] or "") == style do
            text[#text + 1] = cells[column] or " "
            column = column + 1
        end
        text = table.concat(text)
        if text:find("%S") then
            out[#out + 1] = ('<text x="%.1f" y="%.1f"%s xml:space="preserve">%s</text>'):format(
                MARGIN + (first - 1) * CELL_W, BAR + MARGIN + row * CELL_H - 5, attributes(style),
                escape((text:gsub("\t", "    "))))
        end
    end
end

local function svg(screen, nrows)
    local width, height = COLUMNS * CELL_W + 2 * MARGIN, nrows * CELL_H + 2 * MARGIN + BAR
    local out = {
        ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" '
            .. 'height="%.0f" role="img" aria-label="A session of the lagoon REPL">'):format(width,
            height, width, height),
        ('<rect width="%.0f" height="%.0f" rx="10" fill="#10191e"/>'):format(width, height),
        ('<path d="M0 10a10 10 0 0 1 10-10h%.0fa10 10 0 0 1 10 10v24h-%.0fz" fill="#1a262d"/>')
            :format(width - 20, width),
        '<circle cx="20" cy="17" r="5.5" fill="#ee6a5f"/><circle cx="39" cy="17" r="5.5" '
            .. 'fill="#f4bd4f"/><circle cx="58" cy="17" r="5.5" fill="#61c454"/>',
        ('<text x="%.0f" y="21.5" text-anchor="middle" fill="#8fa3ad" font-family="system-ui, '
            .. 'sans-serif" font-size="13">lagoon</text>'):format(width / 2),
        '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', '
            .. 'monospace" font-size="14" fill="#dfe8ec">',
    }
    for row = 1, nrows do
        row_svg(screen, row, out)
    end
    out[#out + 1] = "</g></svg>\n"
    return table.concat(out, "\n")
end

local file = assert(io.open(OUTPUT, "wb"))
file:write(svg(session()))
file:close()
