/** For whoever asks for TypeORM, in a file of ours or of a package. */
module.exports = (request, options) =>
  options.defaultResolver(request.replace(/^typeorm(?=$|\/)/, 'typeorm-0.3'), options);
