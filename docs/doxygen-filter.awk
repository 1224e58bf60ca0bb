# SPDX-License-Identifier: Apache-2.0
# Makes Doxygen read the plain `//` comments of a header, and GitHub's Markdown. Line numbers stay as
# they are.
#
# The first comment documents the file, one above a declaration that declaration, and so does one
# behind it, which may go on in the next lines, in the same column. What is indented by two more
# spaces keeps its layout.

function is_comment(i) { return i >= 1 && i <= count && lines[i] ~ /^ *\/\/( |$)/ }

# Empty comment lines between such lines are theirs.
function is_layout(i) {
  if (!is_comment(i)) return 0
  if (lines[i] ~ /^ *\/\/$/) return is_comment(i + 1) && lines[i + 1] ~ /\/\/   / && lines[i - 1] ~ /^ *\/\/   /
  return lines[i] ~ /^ *\/\/   /
}

# Outside of `code`, Doxygen's own marks are to be read as they stand. Code gets two backticks,
# because Doxygen lets a quotation mark end what begins with one.
function escaped(text,  parts, n, k) {
  n = split(text, parts, "`")
  text = ""
  for (k = 1; k <= n; k++) {
    if (k % 2) gsub(/[\\<>@#]|--/, "\\\\&", parts[k])
    text = text (k > 1 ? "``" : "") parts[k]
  }
  return text
}

# The line with `mark` in place of the slashes in `column`.
function marked(line, column, mark) {
  return substr(line, 1, column - 1) mark escaped(substr(line, column + 2))
}

function comment_line(i,  line) {
  line = lines[i]
  if (line ~ /SPDX-License-Identifier/) return "/// @file"
  sub(/ *NOLINT.*/, "", line)
  if (index(line, "//") == trailing) return marked(line, trailing, "///<")
  trailing = 0
  if (is_layout(i)) sub(/\/\//, "///", line)
  else line = marked(line, index(line, "//"), "///")
  if (!is_layout(i) && is_layout(i + 1)) line = line " @code{.unparsed}"
  if (is_layout(i) && !is_layout(i + 1)) line = line " @endcode"
  return line
}

function code_line(i,  line) {
  line = lines[i]
  trailing = 0
  if (line ~ /^(#[^d]|})|NOLINT/ || !match(line, /[^ ]  +\/\/ /)) return line
  trailing = RSTART + RLENGTH - 3
  return marked(line, trailing, "///<")
}

# A paragraph: the lines between two empty ones.
function flush(  i) {
  trailing = 0
  for (i = 1; i <= count; i++) print is_comment(i) ? comment_line(i) : code_line(i)
  count = 0
}

FILENAME ~ /[.]md$/ {
  if (/^ *```/) fenced = !fenced
  if (!fenced && !/^ *```/) gsub(/`/, "``")
  print
  next
}
/^$/ { flush(); print; next }
{ lines[++count] = $0 }
END { flush() }
