/* SPDX-License-Identifier: BSD-2-Clause */
/* What the abstract errors of LoPAR's error injection option are here; see guest_request.h. */
#include "inject/guest_request.h"

bool guest_request(const struct papr_errinjct_request *request, unsigned vcpu,
		   struct injection_request *in)
{
	struct fwnmi_machine_check *mc = &in->mc;

	*in = (struct injection_request){ .vcpu = vcpu, .trigger.translated = true };
	*mc = (struct fwnmi_machine_check){ .severity = FWNMI_SEVERITY_ERROR_SYNC,
					    .disposition = FWNMI_DISPOSITION_FULLY_RECOVERED,
					    .initiator = FWNMI_INITIATOR_CPU };
	switch (request->error) {
	case PAPR_ERRINJCT_FATAL:
		mc->error_type = FWNMI_MC_UNKNOWN;
		mc->severity = FWNMI_SEVERITY_FATAL;
		mc->disposition = FWNMI_DISPOSITION_NOT_RECOVERED;
		return true;
	case PAPR_ERRINJCT_SLB:
		mc->error_type = FWNMI_MC_SLB;
		mc->error_subtype = FWNMI_SLB_PARITY;
		/* The operating system is to load its SLB again. */
		mc->disposition = FWNMI_DISPOSITION_NOT_RECOVERED;
		mc->effective_address_valid = true;
		mc->effective_address = request->address;
		return true;
	case PAPR_ERRINJCT_ERAT:
		mc->error_type = FWNMI_MC_ERAT;
		mc->error_subtype = FWNMI_ERAT_PARITY;
		in->effective_address_is_nip = true;
		return true;
	case PAPR_ERRINJCT_TLB:
		mc->error_type = FWNMI_MC_TLB;
		mc->error_subtype = FWNMI_TLB_PARITY;
		in->effective_address_is_nip = true;
		return true;
	case PAPR_ERRINJCT_DCACHE:
		mc->error_type = FWNMI_MC_D_CACHE;
		return true;
	case PAPR_ERRINJCT_ICACHE:
		mc->error_type = FWNMI_MC_I_CACHE;
		return true;
	default:
		return false;
	}
}
