-- SPDX-License-Identifier: MIT
--
-- The tree in docs/architecture.md, and what is really there.
local tree = {}

---@param path string
---@return string
function tree.read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

---The lines that a command prints.
---@param command string
---@return string[]
function tree.lines_of(command)
  local pipe = assert(io.popen(command))
  local lines = {}
  for line in pipe:lines() do
    lines[#lines + 1] = line
  end
  pipe:close()
  return lines
end

---The sources directly in a folder.
---@param folder string
---@return string[]
function tree.sources(folder)
  return tree.lines_of("find " .. folder .. " -maxdepth 1 -type f \\( -name '*.[chS]' -o "
    .. "-name '*.lua' -o -name '*.html' -o -name '*.css' -o -name '*.js' \\) | sort")
end

---@class tree.Folder
---@field path string
---@field names table<string, string>  what each line of the tree is about

---The folders of the tree in their order, and the rank of each.
---@return tree.Folder[] folders
---@return table<string, integer> rank
function tree.told()
  local block = tree.read("docs/architecture.md"):match("```tree\n(.-)```")
  local folders, rank = {}, {}
  for line in block:gmatch("[^\n]+") do
    local path = line:match("^([%w/_]+)/$")
    local name, about = line:match("^  (%S+)  +(%S.*)$")
    if path then
      folders[#folders + 1] = { path = path, names = {} }
      rank[path] = #folders
    else
      assert(name, "a line of the tree is neither a folder nor a file: " .. line)
      local names = folders[#folders].names
      assert(not names[name], line .. ": twice")
      names[name] = about
    end
  end
  return folders, rank
end

---Under which line of a folder a source is told: its own name, or its stem.
---@param folder tree.Folder
---@param path string
---@return string?
function tree.line_of(folder, path)
  local name = path:match("([^/]+)$")
  local stem = name:match("^(.+)%.%a+$")
  return folder.names[name] and name or folder.names[stem] and stem
end

---Calls visit(place, line) for every line of every source of a folder.
---@param folder string
---@param visit fun(place: string, line: string)
function tree.each_line(folder, visit)
  for _, path in ipairs(tree.sources(folder)) do
    local number = 0
    for line in (tree.read(path) .. "\n"):gmatch("(.-)\n") do
      number = number + 1
      visit(path .. ":" .. number .. ": ", line)
    end
  end
end

return tree
