/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors that a guest has asked for by ibm,errinjct, as injections. */
#ifndef FWNMI_INJECT_GUEST_REQUEST_H
#define FWNMI_INJECT_GUEST_REQUEST_H

#include "inject/request.h"
#include "pseries/partition.h"

/**
 * guest_request() - the machine check on @vcpu, which has made the call, that is such an error
 *
 * It comes at the next instruction with MSR[RI]=1, as LoPAR demands, once RTAS has returned and
 * translation is on again.
 * returns: false if it is no machine check
 */
bool guest_request(const struct papr_errinjct_request *request, unsigned vcpu,
		   struct injection_request *injection);

#endif
