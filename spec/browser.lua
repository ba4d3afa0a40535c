-- SPDX-License-Identifier: MIT
--
-- A browser without a window, where there is one: what it makes of a page, and what is to be seen.
local helper = require "helper"

local browser = {}

local OPTIONS = { "--headless", "--no-sandbox", "--disable-gpu" }

---The program's name; nil: there is none.
---@return string?
function browser.name()
  for _, name in ipairs { "chromium", "chromium-browser", "google-chrome" } do
    if os.execute("command -v " .. name .. " >/dev/null") == 0 then
      return name
    end
  end
end

local function run(words, path)
  local command = { browser.name(), unpack(OPTIONS) }
  command[#command + 1] = "--user-data-dir=" .. helper.path("browser")
  for _, word in ipairs(words) do
    command[#command + 1] = word
  end
  command[#command + 1] = "file://" .. path
  return helper.child(command, { limit = 60 })
end

---The page of a file as the browser has it after its scripts have run, as HTML.
---@param path string
---@return string
function browser.dom(path)
  local child = run({ "--dump-dom", "--window-size=1200,900" }, path)
  assert(child.status == 0 and #child.out > 0, "the browser failed: " .. child.err)
  return child.out
end

---The same, after what the page waits for has come: frames, and timers of up to a minute, in a time
---that passes as fast as there is nothing to do.
---@param path string
---@return string
function browser.settled_dom(path)
  local child = run({ "--dump-dom", "--window-size=1200,900", "--virtual-time-budget=60000" }, path)
  assert(child.status == 0 and #child.out > 0, "the browser failed: " .. child.err)
  return child.out
end

---A body for `it` that passes where there is no browser.
---@param body fun()
---@return fun()
function browser.with(body)
  return function()
    if browser.name() then
      body()
    end
  end
end

return browser
