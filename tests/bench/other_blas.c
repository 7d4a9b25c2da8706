/* A libblas.so.3 that is not OpenBLAS: peers must refuse to be measured on it. */
void cblas_sgemm(void) {}
