/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Read what a guest was given from its own copy of the log, because libfwnmi may have changed the
 * request. After a fatal error was reported, a log is only a fixed part (LoPAR R1-7.3.14-15).
 */
#include "inject/request.h"

bool injection_log_decode(struct injection_log *log, const void *bytes, size_t length)
{
	struct fwnmi_errlog decoded;

	*log = (struct injection_log){ .valid = false };
	if (fwnmi_errlog_decode(&decoded, bytes, length) < 0)
		return false;
	log->valid = true;
	log->severity = decoded.severity;
	log->disposition = decoded.disposition;
	log->initiator = decoded.initiator;
	log->has_mc = decoded.has_mc;
	log->mc = decoded.mc;
	return true;
}
