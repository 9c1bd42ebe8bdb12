/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ibm,os-term ends the partition and passes on the guest's text, whatever it is. LoPAR section
 * "ibm,os-term".
 */
#include "payload.h"

const char *const sentences[] = { "the_partition_has_ended_before_this", NULL };

void payload(void)
{
	static const char text[] = "the \x1b[31mguest\x1b[0m says\n\tenough \xff";
	u32 where[1] = { (u32)(u64)text };

	if (bootargs()[0] == 'o')
		where[0] = (u32)memory_size - 3; /* "abc" without a terminator */
	for (unsigned i = 0; i < 3; i++)
		((volatile u8 *)memory_size)[(int)i - 3] = (u8)('a' + i);
	rtas("ibm,os-term", 1, 0, where, NULL);
	bail_out("ibm,os-term returned");
}
