/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest was given, read from the log that it got: libfwnmi may have made another one than
 * was asked for. Once a fatal error was reported it is a fixed part only (LoPAR R1-7.3.14-15).
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
