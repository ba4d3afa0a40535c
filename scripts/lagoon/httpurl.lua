-- SPDX-License-Identifier: MIT
--
-- Addresses of pages, also those relative to another one (RFC 3986, 5.2).
local httpurl = {}

-- Takes "." and ".." out of a path that begins with a slash.
local function without_dots(path)
    local kept, ends_in_dots = {}, false
    for part in path:gmatch("/([^/]*)") do
        ends_in_dots = part == "." or part == ".."
        if part == ".." then
            kept[#kept] = nil
        elseif part ~= "." then
            kept[#kept + 1] = part
        end
    end
    if ends_in_dots then
        kept[#kept + 1] = ""
    end
    return "/" .. table.concat(kept, "/")
end

-- Whether it may stand in a request: no blanks, no line ends, ASCII only.
local function is_clean(text)
    return not text:find("[^\33-\126]")
end

-- Whether it is a host, with or without a port; a name with a password is none.
local function is_authority(authority)
    return authority ~= "" and not authority:find("[^%w%-._~:%[%]]")
        and (not authority:find(":[^%]:]*$") or authority:find(":%d*$"))
end

---Takes an address apart.
---@param url string
---@return {url: string, scheme: string, authority: string, target: string}? parts
---@return string? err
---@return string? code
function httpurl.parse(url)
    local scheme, authority, rest = url:match("^(%a[%w+.-]*)://([^/?#]*)([^#]*)")
    scheme = scheme and scheme:lower()
    if scheme ~= "http" and scheme ~= "https" or not is_authority(authority)
        or not is_clean(rest) then
        return nil, "not an address of http: " .. url:gsub("%c", "?"), "EINVAL"
    end
    local target = rest:sub(1, 1) == "/" and rest or "/" .. rest
    return { url = scheme .. "://" .. authority .. target, scheme = scheme, authority = authority,
        target = target }
end

---The address that another one means on a page.
---@param base table  the page, as parse() gave it
---@param url string
---@return string
function httpurl.join(base, url)
    if url:find("^%a[%w+.-]*:") then
        return url
    elseif url:sub(1, 2) == "//" then
        return base.scheme .. ":" .. url
    end
    local root = base.scheme .. "://" .. base.authority
    local path = base.target:match("^[^?]*")
    local first = url:sub(1, 1)
    if first == "" or first == "#" then
        return root .. base.target
    elseif first == "?" then
        return root .. path .. url
    elseif first ~= "/" then
        url = path:match("^.*/") .. url
    end
    local own_path, rest = url:match("^([^?#]*)(.*)$")
    return root .. without_dots(own_path) .. rest
end

return httpurl
