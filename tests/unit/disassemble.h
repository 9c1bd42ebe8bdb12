/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's instructions as binutils' objdump reads them. */
#ifndef UNIT_DISASSEMBLE_H
#define UNIT_DISASSEMBLE_H

#include "unit.h"

#include <unistd.h>

/* One instruction */
struct disassembled {
	unsigned offset;
	char text[96]; /* AT&T's syntax, one space after the mnemonic */
};

/* Without what is behind the instruction, and with single spaces */
static inline void copy_text(char *to, size_t size, const char *from)
{
	size_t n = 0;

	for (; *from && *from != '#' && *from != '<' && *from != '\n' && n + 1 < size; from++)
		if (*from != ' ' || (n && to[n - 1] != ' '))
			to[n++] = *from;
	while (n && to[n - 1] == ' ')
		n--;
	to[n] = 0;
}

/*
 * Disassembles @size bytes into @out, which has room for @room. returns: how many instructions
 * there are; -1: no objdump
 */
static inline int disassemble(const uint8_t *code, size_t size, struct disassembled *out, int room)
{
	char path[] = "/tmp/fwnmi-unit-code-XXXXXX", command[128], line[256];
	const int fd = mkstemp(path);
	int n = 0, end;
	FILE *f;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, code, size), size);
	close(fd);
	snprintf(command, sizeof(command),
		 "objdump -D -z -b binary -m i386:x86-64 --no-show-raw-insn %s 2>/dev/null", path);
	f = popen(command, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		unsigned offset;

		end = 0;
		if (sscanf(line, " %x:%n", &offset, &end) != 1 || !end || n == room)
			continue;
		out[n].offset = offset;
		while (line[end] == '\t')
			end++;
		copy_text(out[n].text, sizeof(out[n].text), line + end);
		n++;
	}
	end = pclose(f);
	unlink(path);
	return end ? -1 : n;
}

#endif
