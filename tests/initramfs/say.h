/* SPDX-License-Identifier: BSD-2-Clause */
/* A line of output from a program without a C library. */
#ifndef FWNMI_TESTS_INITRAMFS_SAY_H
#define FWNMI_TESTS_INITRAMFS_SAY_H

#include "../../payload/lab/system_calls.h"

/* Writes @text, which is short, and @value. */
static void say(const char *text, long value)
{
	char line[80], digits[24];
	size_t length = 0, n = 0;
	unsigned long rest = value < 0 ? -(unsigned long)value : (unsigned long)value;

	while (*text)
		line[length++] = *text++;
	line[length++] = ' ';
	if (value < 0)
		line[length++] = '-';
	do
		digits[n++] = (char)('0' + rest % 10);
	while (rest /= 10);
	while (n)
		line[length++] = digits[--n];
	line[length++] = '\n';
	CALL(NR_write, 1, line, length);
}

#endif
