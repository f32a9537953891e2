/* Class id, log events and list of types, which the package fills. */
#include "../private/diniimpl.h"

PetscClassId       DINI_CLASSID = 0;
PetscLogEvent      DINI_Solve, DINI_Linearize, DINI_Tangent, DINI_Adjoint, DINI_Guard, DINI_Check, DINI_SNESJacobian;
PetscFunctionList  DiniList = NULL;
const DiniFeature *DiniFeatures[DINI_MAX_FEATURES + 1];
